from django.db import models

from .mirror import MirrorModel


class Node(MirrorModel):
    """A node of a network: what trials are made from; table `node`."""

    TABLE = "node"

    id = models.BigIntegerField(db_index=True)
    creation_time = models.DateTimeField(null=True, db_index=True)
    type = models.TextField(null=True)
    failed = models.BooleanField(null=True)
    failed_reason = models.TextField(null=True)
    time_of_death = models.DateTimeField(null=True)
    network_id = models.BigIntegerField(null=True, db_index=True)
    participant_id = models.BigIntegerField(null=True, db_index=True)
    module_state_id = models.BigIntegerField(null=True)
    trial_maker_id = models.TextField(null=True)
    module_id = models.TextField(null=True)
    degree = models.BigIntegerField(null=True)
    target_n_trials = models.BigIntegerField(null=True)
    parent_id = models.BigIntegerField(null=True)
    child_id = models.BigIntegerField(null=True)
    seed = models.TextField(null=True)
    definition = models.TextField(null=True)
    context = models.TextField(null=True)
    participant_group = models.TextField(null=True)
    block = models.TextField(null=True)
    vars = models.TextField(null=True)

    class Meta:
        ordering = ("key",)
