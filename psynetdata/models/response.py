from django.db import models

from .mirror import MirrorModel


class Response(MirrorModel):
    """What a participant sent from one page; table `response`."""

    TABLE = "response"

    id = models.BigIntegerField(db_index=True)
    creation_time = models.DateTimeField(null=True, db_index=True)
    type = models.TextField(null=True)
    failed = models.BooleanField(null=True)
    failed_reason = models.TextField(null=True)
    time_of_death = models.DateTimeField(null=True)
    participant_id = models.BigIntegerField(null=True, db_index=True)
    question = models.TextField(null=True)
    answer = models.TextField(null=True)
    page_type = models.TextField(null=True)
    successful_validation = models.BooleanField(null=True)
    client_ip_address = models.TextField(null=True)
    vars = models.TextField(null=True)

    class Meta:
        ordering = ("key",)
