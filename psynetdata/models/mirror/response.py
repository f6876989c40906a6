from django.db import models

from .base import FailableRow


class Response(FailableRow):
    """A participant's response to one page; table `response`."""

    TABLE = "response"

    participant_id = models.BigIntegerField(null=True, db_index=True)
    question = models.TextField(null=True)
    answer = models.TextField(null=True)
    page_type = models.TextField(null=True)
    successful_validation = models.BooleanField(null=True)
    client_ip_address = models.TextField(null=True)
    vars = models.TextField(null=True)
