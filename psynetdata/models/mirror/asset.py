from django.db import models

from .base import TypedRow


class Asset(TypedRow):
    """A file that belongs to an experiment: stimulus, recording, …; table `asset`."""

    TABLE = "asset"

    module_id = models.TextField(null=True)
    local_key = models.TextField(null=True)
    key_within_module = models.TextField(null=True)
    key_within_experiment = models.TextField(null=True)
    export_path = models.TextField(null=True)
    description = models.TextField(null=True)
    personal = models.BooleanField(null=True)
    deposited = models.BooleanField(null=True)
    is_folder = models.BooleanField(null=True)
    data_type = models.TextField(null=True)
    extension = models.TextField(null=True)
    participant_id = models.BigIntegerField(null=True, db_index=True)
    trial_id = models.BigIntegerField(null=True, db_index=True)
    node_id = models.BigIntegerField(null=True)
    network_id = models.BigIntegerField(null=True)
    module_state_id = models.BigIntegerField(null=True)
    parent = models.TextField(null=True)
    host_path = models.TextField(null=True)
    url = models.TextField(null=True)
    content_id = models.TextField(null=True)
    md5_contents = models.TextField(null=True)
    size_mb = models.FloatField(null=True)
    vars = models.TextField(null=True)
