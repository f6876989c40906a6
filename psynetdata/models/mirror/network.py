from django.db import models

from .base import FailableRow


class Network(FailableRow):
    """A network: a chain or a set of nodes; table `network`."""

    TABLE = "network"

    trial_maker_id = models.TextField(null=True)
    module_id = models.TextField(null=True)
    participant_id = models.BigIntegerField(null=True)
    participant_group = models.TextField(null=True)
    chain_type = models.TextField(null=True)
    head_id = models.BigIntegerField(null=True)
    target_n_trials = models.BigIntegerField(null=True)
    trials_per_node = models.BigIntegerField(null=True)
    max_size = models.BigIntegerField(null=True)
    full = models.BooleanField(null=True)
    role = models.TextField(null=True)
    definition = models.TextField(null=True)
    context = models.TextField(null=True)
    block = models.TextField(null=True)
    vars = models.TextField(null=True)
