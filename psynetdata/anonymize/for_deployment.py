"""The anonymizer of a deployment: its key, the policy, and the identifiers that its tables hold."""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from psynetdata.mirror import Transform
from psynetdata.models import Deployment
from psynetdata.psynet.source import TableSource

from . import pseudonyms
from .anonymizer import Anonymizer
from .identifiers import collect
from .policy import Policy


def anonymizer(deployment: Deployment, source: TableSource, *, level: str = "shared") -> Anonymizer:
    """Reads the tables that hold identifiers once; what it gives out depends on source, policy, key and level only."""
    return _with_key(key_of(deployment), source, level)


def anonymizing(deployment: Deployment, source: TableSource) -> Transform:
    """What fills the anonymous face."""
    key = key_of(deployment)
    found = _with_key(key, source, "shared")
    key_name = hashlib.sha256(b"name of a key:" + key).hexdigest()[:16]
    policy, identifiers = found.policy.sha256, found.identifiers.digest
    name = f"level=shared;code={_code()};policy={policy};key={key_name};identifiers={identifiers}"
    return Transform(name, found.table)


def _with_key(key: bytes, source: TableSource, level: str) -> Anonymizer:
    policy = Policy.load()
    found = collect(source, policy)
    return Anonymizer(policy=policy, pseudonyms=pseudonyms.Pseudonyms(key), identifiers=found, level=level)


@cache
def _code() -> str:
    """A hash of this package: an anonymous face that older code filled is filled again."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def key_of(deployment: Deployment) -> bytes:
    """The deployment's pseudonym key, made when it is first needed; shared along `continues`."""
    first = deployment
    while first.continues is not None:
        first = first.continues
    with transaction.atomic():
        row = Deployment.objects.select_for_update().get(pk=first.pk)
        if not row.sealed_key:
            _check_master_key()
            row.sealed_key = pseudonyms.seal(pseudonyms.new_key(), settings.MASTER_KEY.encode())
            row.save(update_fields=["sealed_key"])
    return pseudonyms.unseal(row.sealed_key, settings.MASTER_KEY.encode())


def _check_master_key() -> None:
    """Raise the Problem of a lost master key now, before a new deployment is sealed with another one."""
    sealed = Deployment.objects.exclude(sealed_key="").values_list("sealed_key", flat=True).first()
    if sealed:
        pseudonyms.unseal(sealed, settings.MASTER_KEY.encode())
