from django.db import models

from .base import FailableRow


class Trial(FailableRow):
    """One trial; Dallinger stores trials in table `info`."""

    TABLE = "info"

    participant_id = models.BigIntegerField(null=True, db_index=True)
    node_id = models.BigIntegerField(null=True, db_index=True)
    network_id = models.BigIntegerField(null=True, db_index=True)
    module_state_id = models.BigIntegerField(null=True)
    parent_trial_id = models.BigIntegerField(null=True)
    response_id = models.BigIntegerField(null=True)
    trial_maker_id = models.TextField(null=True)
    block = models.TextField(null=True)
    block_position = models.BigIntegerField(null=True)
    definition = models.TextField(null=True)
    answer = models.TextField(null=True)
    score = models.FloatField(null=True)
    performance_reward = models.FloatField(null=True)
    time_taken = models.FloatField(null=True)
    complete = models.BooleanField(null=True)
    finalized = models.BooleanField(null=True)
    is_repeat_trial = models.BooleanField(null=True)
    repeat_trial_index = models.BigIntegerField(null=True)
    n_repeat_trials = models.BigIntegerField(null=True)
    vars = models.TextField(null=True)
