"""The files of a ledger: written once, sealed with the master key, and merged when there are many.

    ledger/<deployment's number>/<random>.sealed    JSON, compressed and sealed (psynetdata.sealing):
        {"format": 1, "deployment_id": …, "replaced": [[owner, what, …], …], "searched": [[owner, what, …], …]}

`replaced`: the anonymizer's entries (psynetdata.anonymize.identifiers.ledger_entries); `searched`: those of the leak
scan (exports.leakscan.needles.ledger_entries). `owner`: the number of the participant whose row it was in, or "".
"""

import base64
import hashlib
import json
import uuid
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from cryptography.fernet import InvalidToken
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from exports.models import LedgerFile, ReleasedFile
from exports.models.ledger import FOLDER
from exports.store import installation
from exports.store.quarantine import forget, release
from exports.store.second_copy import note_deletions
from exports.store.storage_listing import names as listed_names
from psynetdata import sealing
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Damaged

FORMAT = 1
ENDING = ".sealed"
# With more files than this they are merged.
MOST_FILES = 16
Entry = tuple[str, ...]
Owned = dict[Entry, str]


@dataclass
class Entries:
    """{entry: participant whose row it comes from, "" for nobody} for the anonymizer and for the scan."""

    replaced: Owned = field(default_factory=dict)
    searched: Owned = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.replaced) + len(self.searched)

    def add(self, other: "Entries") -> None:
        self.replaced = other.replaced | self.replaced
        self.searched = other.searched | self.searched

    def without(self, known: "Entries") -> "Entries":
        sides = ((self.replaced, known.replaced), (self.searched, known.searched))
        return Entries(*({entry: mine[entry] for entry in mine if entry not in there} for mine, there in sides))

    def kept(self, stays: Callable[[Entry, str], bool]) -> "Entries":
        """Return the entries of which `stays(entry, owner)` is true."""
        sides = (self.replaced, self.searched)
        return Entries(*({entry: owner for entry, owner in side.items() if stays(entry, owner)} for side in sides))


class LedgerFiles:
    """The files of the ledger of deployments that continue each other. What was read once is not read again."""

    def __init__(self, deployment: Deployment):
        self.deployment = deployment.first
        self.chain = deployment.chain()
        self._read: dict[str, Entries] = {}

    @property
    def state(self) -> str:
        """A name that changes with the files."""
        return state_of(row.name for row in self._rows())

    def all(self) -> Entries:
        """Return all entries. Raises Damaged if a file is missing or cannot be read: then nothing anonymous is made."""
        rows = self._rows()
        try:
            return self._all(rows)
        except Damaged:
            if (again := self._rows()) == rows:
                raise
            return self._all(again)  # they were merged in the meantime

    def add(self, entries: Entries) -> None:
        """Store new entries. Others may add at the same time: each writes a file of its own."""
        if entries:
            self._create(entries)

    def merge(self) -> None:
        """Make one file of many."""
        rows = self._rows()
        if len(rows) > MOST_FILES:
            self._replace(rows, self._all(rows))

    def rewrite(self, stays: Callable[[Entry, str], bool]) -> None:
        """Remove entries, with the files that hold them (see `Entries.kept`)."""
        rows = self._rows()
        entries = self._all(rows)
        left = entries.kept(stays)
        if len(left) < len(entries):
            self._replace(rows, left)
            self._delete(rows)

    def drop(self, rows: Iterable[LedgerFile] | None = None) -> None:
        """Remove files with all their entries, by default every file."""
        gone = self._rows() if rows is None else list(rows)
        LedgerFile.objects.filter(pk__in=[row.pk for row in gone]).delete()
        self._delete(gone)

    def find(self) -> None:
        """Name files of the storage that belong to this ledger and that no row names."""
        known = {row.name for row in self._rows()} | self._merged()
        for deployment in self.chain:
            stored = listed_names(default_storage, f"{FOLDER}/{deployment.number}")
            for name in sorted({name for name in stored if name.endswith(ENDING)} - known):
                row = LedgerFile(deployment=deployment, name=name)
                with suppress(Damaged):  # an unfinished file, or another desk's
                    row.entries = len(self._of(row))
                    with default_storage.open(name, "rb") as file:
                        row.sha256 = hashlib.sha256(file.read()).hexdigest()
                    row.save()

    def problems(self) -> dict[LedgerFile, str]:
        """Return {file that is missing or cannot be read: why, in a sentence}."""
        found = {}
        for row in self._rows():
            try:
                self._of(row)
            except Damaged as problem:
                found[row] = problem.sentence
        return found

    def size(self) -> tuple[int, int]:
        """Return (files, entries)."""
        rows = self._rows()
        return len(rows), sum(row.entries for row in rows)

    def _rows(self) -> list[LedgerFile]:
        return list(LedgerFile.objects.filter(deployment__in=self.chain).select_related("deployment").order_by("pk"))

    def _all(self, rows: list[LedgerFile]) -> Entries:
        entries = Entries()
        for row in rows:
            entries.add(self._of(row))
        return entries

    def _of(self, row: LedgerFile) -> Entries:
        if row.name not in self._read:
            self._read[row.name] = _read(row)
        return self._read[row.name]

    def _create(self, entries: Entries) -> LedgerFile:
        sealed = _sealed(self.deployment, entries)
        name = f"{FOLDER}/{self.deployment.number}/{uuid.uuid4().hex}{ENDING}"
        default_storage.save(name, ContentFile(sealed))
        installation.check_before_publishing()
        self._read[name] = entries
        sha256 = hashlib.sha256(sealed).hexdigest()
        return LedgerFile.objects.create(deployment=self.deployment, name=name, sha256=sha256, entries=len(entries))

    def _replace(self, rows: list[LedgerFile], entries: Entries) -> None:
        """Let one file take the place of others, unless somebody else just did so."""
        with transaction.atomic():
            gone, _ = LedgerFile.objects.filter(pk__in=[row.pk for row in rows]).delete()
            if gone != len(rows):
                transaction.set_rollback(True)
                return
            if entries:
                self._create(entries)
        # Their stored names are the same: they hold no hash of content.
        release([row.name for row in rows], ReleasedFile.Reason.MERGED)

    def _merged(self) -> set[str]:
        """Return the names of files that no prune has deleted yet though a newer file has their entries."""
        chosen = Q()
        for deployment in self.chain:
            chosen |= Q(name__startswith=f"{FOLDER}/{deployment.number}/")
        return set(ReleasedFile.objects.filter(chosen).values_list("name", flat=True))

    def _delete(self, rows: list[LedgerFile]) -> None:
        """Delete files now, together with those whose entries they took over."""
        names = {row.name for row in rows} | self._merged()
        note_deletions(names)
        for name in names:
            with suppress(FileNotFoundError):
                default_storage.delete(name)
        forget(names)


def names() -> set[str]:
    """Return the names of all files of all ledgers."""
    return set(LedgerFile.objects.values_list("name", flat=True))


def state_of(names: Iterable[str]) -> str:
    """Return a name for the state of a ledger that consists of these files."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def _sealed(deployment: Deployment, entries: Entries) -> bytes:
    content = {
        "format": FORMAT,
        "deployment_id": deployment.deployment_id,
        "replaced": [[owner, *entry] for entry, owner in sorted(entries.replaced.items())],
        "searched": [[owner, *entry] for entry, owner in sorted(entries.searched.items())],
    }
    packed = zlib.compress(json.dumps(content).encode("ascii"))
    return sealing.seal(base64.b64encode(packed).decode("ascii")).encode("ascii")


def _read(row: LedgerFile) -> Entries:
    try:
        with default_storage.open(row.name, "rb") as file:
            sealed = file.read().decode("ascii")
        content = json.loads(zlib.decompress(base64.b64decode(sealing.unseal(sealed))))
        if content["format"] != FORMAT or content["deployment_id"] != row.deployment.deployment_id:
            raise ValueError
        sides = (content["replaced"], content["searched"])
        return Entries(*({tuple(entry): owner for owner, *entry in side} for side in sides))
    except (FileNotFoundError, InvalidToken, ValueError, KeyError, TypeError, zlib.error):
        raise Damaged(
            f"The ledger of identifiers of deployment {row.deployment.deployment_id} cannot be read, so nothing "
            f"anonymous can be made: its file {row.name} is missing, damaged or sealed with another master key. Copy "
            "it from a backup into the storage, or collect the identifiers again with `manage.py ledger collect`."
        ) from None
