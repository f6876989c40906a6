from django.db import models

from .base import FailableRow


class Participant(FailableRow):
    """One person (or bot) in an experiment; table `participant`."""

    TABLE = "participant"

    worker_id = models.TextField(null=True)
    assignment_id = models.TextField(null=True)
    unique_id = models.TextField(null=True)
    hit_id = models.TextField(null=True)
    recruiter_id = models.TextField(null=True)
    mode = models.TextField(null=True)
    status = models.TextField(null=True)
    end_time = models.DateTimeField(null=True)
    progress = models.FloatField(null=True)
    complete = models.BooleanField(null=True)
    aborted = models.BooleanField(null=True)
    time_credit = models.FloatField(null=True)
    base_payment = models.FloatField(null=True)
    performance_reward = models.FloatField(null=True)
    bonus = models.FloatField(null=True)
    answer = models.TextField(null=True)
    client_ip_address = models.TextField(null=True)
    module_state_id = models.BigIntegerField(null=True)
    current_trial_id = models.BigIntegerField(null=True)
    vars = models.TextField(null=True)
