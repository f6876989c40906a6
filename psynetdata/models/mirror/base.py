"""Base classes of all mirrored tables: how a row of PsyNet is stored in the mirror."""

import json
from functools import cache
from typing import ClassVar

from django.db import models

from psynetdata.faces import IDENTIFIED

KEY_BITS = 40
# Our own columns; every other concrete field mirrors the source column of its name.
_OWN = {"key", "deployment_number", "class_name", "rest", "table", "identity"}


class MirrorModel(models.Model):
    """A row of one of PsyNet's tables.

    Typed columns hold the values that people filter and sort by, under PsyNet's names; `id` is PsyNet's own.
    `rest` is a JSON object {column: text or null} of every other source column, and of typed
    columns whose text cannot be restored from the typed value, so that no row loses anything.
    """

    TABLE: ClassVar[str]

    key = models.BigIntegerField(primary_key=True, editable=False)
    deployment_number = models.IntegerField(db_index=True)
    class_name = models.TextField("class")
    rest = models.TextField(default="{}", editable=False)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self._meta.verbose_name} {self.id}"

    @classmethod
    @cache
    def typed_fields(cls) -> dict[str, models.Field]:
        """{source column: field} in the order of the model."""
        return {field.name: field for field in cls._meta.concrete_fields if field.name not in _OWN}

    @staticmethod
    def make_key(deployment_number: int, row_id: int) -> int:
        return deployment_number << KEY_BITS | row_id

    @property
    def rest_columns(self) -> dict[str, str | None]:
        return json.loads(self.rest)


class TypedRow(MirrorModel):
    """Base class for rows of tables with their own model."""

    id = models.BigIntegerField(db_index=True)
    creation_time = models.DateTimeField(null=True, db_index=True)
    type = models.TextField(null=True)

    class Meta:
        abstract = True
        ordering = ("key",)


class FailableRow(TypedRow):
    """A row that PsyNet can mark as failed, with reason and time, so that it does not count."""

    failed = models.BooleanField(null=True)
    failed_reason = models.TextField(null=True)
    time_of_death = models.DateTimeField(null=True)

    class Meta(TypedRow.Meta):
        abstract = True


class MirroredTable(models.Model):
    """The state of a table that a face shows; written in the transaction that fills the table."""

    deployment_number = models.IntegerField()
    table = models.TextField()
    state = models.TextField(help_text="Names the source table's state, opaque to the mirror.")
    transform = models.TextField(help_text="Names what was done to the rows: clock, policy, key, identifiers.")
    columns = models.JSONField(help_text="[[name, type, not null], …] in the source's order.")
    withheld = models.JSONField(default=list, help_text="Columns that this face withholds in every row.")
    rows = models.BigIntegerField()
    classes = models.JSONField(default=dict, help_text="{class: its rows}, so that nobody counts them for a page.")
    refreshed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("deployment_number", "table"), name="one_state_per_mirrored_table"),
        )

    def __str__(self):
        return self.table


def face_label(face: str) -> str:
    return "identified" if face == IDENTIFIED else "anonymous (pseudonymized)"
