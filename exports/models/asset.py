from django.db import models

from psynetdata.models import Deployment

ASSETS = "assets"  # a folder of the storage


class StoredAsset(models.Model):
    """A fetched file of an asset, stored under its SHA-256, whatever happens to its source.

    A folder asset has one row for each file. All rows with the same hash share a blob, which is deleted with the last
    one.
    """

    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="stored_assets")
    asset_id = models.BigIntegerField(help_text="PsyNet's id of the asset.")
    number = models.PositiveIntegerField(default=0, help_text="Of the file within a folder asset.")
    inside = models.TextField(blank=True, help_text="Its path within a folder asset.")
    source = models.CharField(max_length=64, help_text="Names where it came from (exports.assets.plan).")
    claim = models.CharField(max_length=60, blank=True, help_text="What its row said of its content.")
    differs = models.CharField(max_length=100, blank=True, help_text="Why it may not be the file of its row.")
    version = models.CharField(max_length=300, blank=True, help_text="What its place called this state of it.")
    sha256 = models.CharField(max_length=64, db_index=True)
    bytes = models.BigIntegerField()
    stored_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("deployment", "asset_id", "number"), name="one_row_per_stored_file"),
        )

    def __str__(self):
        return f"file {self.number} of asset {self.asset_id}"

    @property
    def file(self) -> str:
        return file_of(self.sha256)


class SearchedFile(models.Model):
    """What a search of a file for the deployment's identifiers found (exports.clearance.file_search)."""

    class Outcome(models.TextChoices):
        CLEAN = "clean"
        HIT = "hit", "it holds an identifier"
        UNREADABLE = "unreadable", "it cannot be searched"

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="searched_files")
    sha256 = models.CharField(max_length=64)
    searched_for = models.CharField(max_length=64, help_text="Names the identifiers and the code of the search.")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("deployment", "sha256"), name="one_outcome_per_searched_file"),)

    def __str__(self):
        return f"{self.sha256[:12]}: {self.outcome}"


def file_of(sha256: str) -> str:
    """Return the blob's name in the storage."""
    return f"{ASSETS}/{sha256[:2]}/{sha256[2:4]}/{sha256}"
