"""Known identifiers of a deployment, so that unchanged rows need not be searched again. Both models hold identifiers
in clear text and are stored only in the identified face (see psynetdata.faces)."""

from django.db import models


class IdentifierPart(models.Model):
    """The identifiers that a run of one table's rows adds (psynetdata.anonymize.identifiers.contribution)."""

    deployment_number = models.IntegerField()
    name = models.CharField(max_length=64, help_text="A hash of rows, table, columns, policy and code.")
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("deployment_number", "name"), name="one_part_of_a_name"),)

    def __str__(self):
        return self.name[:12]


class KnownIdentifiers(models.Model):
    """All identifiers that were, or will be, used to fill an anonymous face.

    The face refers to them by their digest in MirroredTable.transform.
    """

    deployment_number = models.IntegerField()
    digest = models.CharField(max_length=64)
    inputs = models.CharField(max_length=64, help_text="A hash of all tables' contents, policy and code.")
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("deployment_number", "digest"), name="identifiers_known_once_a_digest"),
        )

    def __str__(self):
        return self.digest[:12]
