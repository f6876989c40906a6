from django.db import models

from .base import FailableRow


class Node(FailableRow):
    """A node of a network, from which trials are made; table `node`."""

    TABLE = "node"

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
