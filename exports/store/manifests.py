"""What the store says about itself: a manifest of each snapshot and of each deployment, next to their files.

With these files the history, the deployments and the decisions about them can be rebuilt without the site's database
(exports.operations.rebuild). Each is gzipped JSON: {"content": {…}, "signature": text}. The signature is the SHA-256
of the content, sealed with the master key, so that nobody who can only write to the storage can forge a decision.

    manifests/<installation>/<deployment>/deployment.json.gz    the row, decisions, withdrawals, notes, sealed keys, …
    manifests/<installation>/<deployment>/assets.json.gz        its stored asset files
    manifests/<installation>/<deployment>/<snapshot>.json.gz    a row of Snapshot

Rows are in the form of Django's serializer: {"model", "pk", "fields"}. Accounts are not in them.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.db import models
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from isal import igzip

from exports.models import (
    DeploymentManifest,
    Installation,
    LedgerFile,
    Note,
    ServerLogs,
    Snapshot,
    SourceCode,
    StoredAsset,
    Withdrawal,
)
from psynetdata import sealing
from psynetdata.models import Decision, Deployment, Numbered, SavedSheet, Secret
from psynetdata.psynet.problems import Damaged

from . import installation
from .storage_listing import names

FOLDER = "manifests"
FORMAT = 1
# Rows that belong to a deployment and that no snapshot can bring back.
OF_DEPLOYMENT: tuple[type[models.Model], ...] = (
    Decision, Numbered, SavedSheet, Note, Withdrawal, SourceCode, ServerLogs, LedgerFile,
)  # fmt: skip
_SECRETS = ("source_secret", "assets_secret", "experiment_secret", "source_key")
_NOT_IN_IT = ("manifest", "manifest_due", "damage", "collected")
_TOGETHER = 200
Row = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """`content`: {"format", "kind": deployment | assets | snapshot, "rows": […], …}. `signed`: by this master key."""

    name: str
    content: Row
    signed: bool

    @property
    def kind(self) -> str:
        return self.content["kind"]

    @property
    def rows(self) -> list[Row]:
        return self.content["rows"]


def save_due(deployment: Deployment | None = None) -> int:
    """Write the manifests that are missing or outdated, of one deployment or of all. Return how many."""
    chosen = _deployments()
    if deployment is not None:
        line = {one.pk for one in deployment.chain()}
        chosen = [one for one in chosen if one.pk in line]
    installation.check()
    return _save_deployments(chosen) + _save_assets(chosen) + _save_snapshots(chosen)


def save_again() -> int:
    """Write every manifest again, because files are to be encrypted with another key. Return how many."""
    DeploymentManifest.objects.update(sha256="", assets_stamp="")
    Snapshot.objects.update(manifest_due=True)
    return save_due()


def are_due() -> bool:
    """Return whether a manifest is missing or outdated."""
    if Snapshot.objects.filter(manifest_due=True).exists():
        return True
    return any(True for _ in _outdated(_deployments()))


def _deployments() -> list[Deployment]:
    return list(Deployment.objects.order_by("number").prefetch_related("people"))


def read_all(storage: Storage = default_storage) -> Iterator[Manifest]:
    """Yield every manifest of a storage. Raises Damaged if one cannot be read."""
    for name in sorted(names(storage, FOLDER)):
        if name.endswith(".json.gz"):
            yield read(storage, name)


def named() -> set[str]:
    """Return the names of all manifests that rows name."""
    found = set(Snapshot.objects.exclude(manifest="").values_list("manifest", flat=True))
    for row in DeploymentManifest.objects.all():
        found |= {row.name, row.assets_name} - {""}
    return found


def _save_deployments(deployments: list[Deployment]) -> int:
    count = 0
    for deployment, content, sha256 in _outdated(deployments):
        name = _write(f"{_folder(deployment)}/deployment", content)
        DeploymentManifest.objects.update_or_create(deployment=deployment, defaults={"name": name, "sha256": sha256})
        count += 1
    return count


def _outdated(deployments: list[Deployment]) -> Iterator[tuple[Deployment, Row, str]]:
    """Yield (deployment, content of its manifest, hash of that) where another content was saved, or none."""
    saved = dict(DeploymentManifest.objects.values_list("deployment", "sha256"))
    rows = _rows_by_deployment(deployments)
    for deployment in deployments:
        people = sorted(user.get_username() for user in deployment.people.all())
        content = {
            "format": FORMAT,
            "kind": "deployment",
            "rows": [*_serialized([deployment]), *rows[deployment.pk]],
            "people": people,
        }
        sha256 = _digest(content)
        if saved.get(deployment.pk) != sha256:
            yield deployment, content, sha256


def _rows_by_deployment(deployments: list[Deployment]) -> dict[int, list[Row]]:
    """Return all rows of OF_DEPLOYMENT, and the secrets: as many queries for a hundred deployments as for one."""
    rows: dict[int, list[Row]] = defaultdict(list)
    for model in OF_DEPLOYMENT:
        for row in _serialized(model.objects.filter(deployment__in=deployments).order_by("pk")):
            rows[row["fields"]["deployment"]].append(row)
    references = {getattr(one, name): one for one in deployments for name in _SECRETS if getattr(one, name)}
    secret_names = {reference.removeprefix("secret:"): one for reference, one in references.items()}
    for secret in Secret.objects.filter(name__in=secret_names).order_by("name"):
        rows[secret_names[secret.name].pk] += _serialized([secret])
    return rows


def _save_assets(deployments: list[Deployment]) -> int:
    saved = {row.pk: row for row in DeploymentManifest.objects.filter(deployment__in=deployments)}
    stamps = StoredAsset.objects.filter(deployment__in=deployments).values("deployment")
    count = 0
    for row in stamps.annotate(files=Count("pk"), last=Max("stored_at"), highest=Max("pk")).order_by("deployment"):
        of = saved[row["deployment"]]
        stamp = f"{row['files']} {row['highest']} {row['last'].isoformat()}"
        if of.assets_stamp != stamp:
            stored = StoredAsset.objects.filter(deployment=of.pk).order_by("pk")
            content = {"format": FORMAT, "kind": "assets", "rows": _serialized(stored)}
            of.assets_name, of.assets_stamp = _write(f"{_folder(of.deployment)}/assets", content), stamp
            of.save(update_fields=["assets_name", "assets_stamp"])
            count += 1
    return count


def _save_snapshots(deployments: list[Deployment]) -> int:
    due = Snapshot.objects.filter(manifest_due=True, deployment__in=deployments).order_by("pk")
    count = 0
    while some := list(due.select_related("deployment")[:_TOGETHER]):
        for snapshot in some:
            _save_snapshot(snapshot)
        count += len(some)
    return count


def _save_snapshot(snapshot: Snapshot) -> None:
    (row,) = _serialized([snapshot])
    row["fields"] = {name: value for name, value in row["fields"].items() if name not in _NOT_IN_IT}
    name = snapshot.manifest.removesuffix(".json.gz") or f"{_folder(snapshot.deployment)}/{snapshot.pk}"
    content = {"format": FORMAT, "kind": "snapshot", "deployment_id": snapshot.deployment.deployment_id, "rows": [row]}
    name = _write(name, content)
    same = Snapshot.objects.filter(pk=snapshot.pk, state=snapshot.state, pinned=snapshot.pinned)
    # What changed in the meantime is written the next time.
    same.filter(taken_at=snapshot.taken_at).update(manifest=name, manifest_due=False)
    Snapshot.objects.filter(pk=snapshot.pk, manifest="").update(manifest=name)


def _folder(deployment: Deployment) -> str:
    desk = Installation.objects.get(number=Installation.ONLY).installation_id[:16]
    return f"{FOLDER}/{desk}/{hashlib.sha256(deployment.deployment_id.encode()).hexdigest()[:16]}"


def _serialized(rows: Iterable[models.Model] | QuerySet) -> list[Row]:
    """Return rows in a form that JSON holds, without accounts: those are not in the store."""
    # Not the "json" form, which cuts times to milliseconds.
    serialized = json.loads(to_json(serializers.serialize("python", rows)))
    for row in serialized:
        for field in apps.get_model(row["model"])._meta.get_fields():
            if field.related_model is get_user_model():
                row["fields"].pop(field.name, None)
    return serialized


def _write(stem: str, content: Row) -> str:
    content = {**content, "written_at": timezone.now().isoformat()}
    sealed = {"content": content, "signature": sealing.seal(_digest(content))}
    name = f"{stem}.json.gz"
    default_storage.save(name, ContentFile(igzip.compress(to_json(sealed), mtime=0)))
    installation.check_before_publishing()  # otherwise its row would say that the right storage has it
    return name


def read(storage: Storage, name: str) -> Manifest:
    """Return a manifest. Raises Damaged if it is missing or cannot be read."""
    try:
        with storage.open(name, "rb") as file:
            sealed = json.loads(igzip.decompress(file.read()))
        content, signature = sealed["content"], sealed["signature"]
    except (OSError, EOFError, igzip.BadGzipFile, ValueError, KeyError, TypeError):
        raise Damaged(f"The file {name} of the storage cannot be read; remove it to go on without it.") from None
    if content.get("format") != FORMAT:
        raise Damaged(f"The file {name} was written by a newer version of psynetdata; use that version.")
    try:
        signed = sealing.unseal(signature) == _digest(content)
    except InvalidToken:
        signed = False
    return Manifest(name, content, signed)


def _digest(content: Row) -> str:
    return hashlib.sha256(to_json(content)).hexdigest()


def to_json(content: object) -> bytes:
    """Return canonical JSON; times keep their microseconds."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_plain, separators=(",", ":"))
    return text.encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
