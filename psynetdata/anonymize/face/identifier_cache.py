"""A deployment's identifiers, without reading unchanged rows again.

Parts (identifiers/contribution.py) are stored under the hash of their rows, and the identifiers of a whole moment under
the hash of all its tables. Both hold identifiers in clear text and are stored in the identified face. Several workers
may write at the same time, because entries with the same name are equal. Missing entries are read again, so losing any
of them only costs time.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Protocol, runtime_checkable

from django.db import transaction

from psynetdata.anonymize.identifiers.collection import in_order, merge_contributions
from psynetdata.anonymize.identifiers.contribution import Contribution
from psynetdata.anonymize.identifiers.contribution_reader import ContributionReader
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.identifiers.ledger_entries import Entry, KnownEntries
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.faces import ANONYMOUS, IDENTIFIED, writing
from psynetdata.models import Deployment, IdentifierPart, KnownIdentifiers, MirroredTable
from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import Row, with_null
from psynetdata.psynet.table_source import TableSource

# Number of parts that are read and stored at a time: a part of a table full of ids can have a megabyte.
_AT_ONCE = 10
_DELETED_AT_ONCE = 500
CheckCancelled = Callable[[], None] | None


@runtime_checkable
class HashedSource(TableSource, Protocol):
    """Tables whose rows are stored in named parts."""

    def content(self, table: str) -> str:
        """Return a hash of the table's columns and rows."""

    def hashed_segments(self, table: str) -> Iterator[tuple[str, Callable]]:
        """Yield (hash of the rows, function that returns their records in blocks) of each part, in order."""


class Ledger(Protocol):
    """The identifiers of all moments of the deployment, and of those that continue each other (exports.ledger)."""

    @property
    def state(self) -> str:
        """A name that changes with the entries."""

    @property
    def entries(self) -> Iterable[Entry]:
        """The entries, read when they are first asked for."""


class NoLedger:
    """For tables whose moment is the only one, such as in tests of a single snapshot."""

    state, entries = "", ()


@dataclass
class IdentifierFinder:
    """Finds the identifiers of one moment, and those that the ledger knows from others.

    `code` names the version of the code that finds them; `check_cancelled` is called regularly and may raise an
    exception to stop; `keeps`: missing parts are stored once they are read.
    """

    deployment: Deployment
    source: HashedSource
    ledger: Ledger
    policy: Policy
    code: str
    check_cancelled: CheckCancelled = None
    keeps: bool = True
    names: set[str] = field(default_factory=set)

    def find(self) -> Identifiers:
        """Return the identifiers: from the ledger, from the stored parts and from reading the missing ones."""
        known = KnownEntries.sorted_out(self.ledger.entries, self.policy)
        return merge_contributions(self._contributions(), known)

    def inputs(self) -> str:
        """Return a hash of everything that the identifiers depend on."""
        contents = [[table, self.source.content(table)] for table in sorted(self.source.tables())]
        return _hash([contents, self.policy.sha256, self.code, self.ledger.state])

    def _contributions(self) -> Iterator[tuple[str, Contribution]]:
        new_rows: list[IdentifierPart] = []
        for table in in_order(self.source.tables()):
            columns = self.source.columns(table)
            reader = ContributionReader(table, columns, self.policy)
            if not reader.needed:
                continue
            shape = [table, [asdict(column) for column in columns], self.policy.sha256, self.code]
            runs = {_hash([content, *shape]): run for content, run in self.source.hashed_segments(table)}
            self.names |= set(runs)
            for name, data in self._stored_contributions(list(runs)):
                if data is None:
                    contribution = reader.read(self._rows(runs[name]()))
                    new_rows.append(self._row(name, contribution))
                else:
                    contribution = Contribution.from_bytes(data)
                yield table, contribution
                if len(new_rows) >= _AT_ONCE:
                    self._keep(new_rows)
                    new_rows = []
        self._keep(new_rows)

    def _stored_contributions(self, names: list[str]) -> Iterator[tuple[str, bytes | None]]:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            rows = IdentifierPart.objects.filter(deployment_number=self.deployment.number, name__in=some)
            stored = dict(rows.values_list("name", "data"))
            for name in some:
                yield name, stored.get(name)

    def _rows(self, blocks: Iterable[bytes]) -> Iterator[Row]:
        for block in csvtext.whole(blocks):
            if self.check_cancelled:
                self.check_cancelled()
            yield from map(with_null, csvtext.block_rows(block))

    def _row(self, name: str, contribution: Contribution) -> IdentifierPart:
        return IdentifierPart(deployment_number=self.deployment.number, name=name, data=contribution.to_bytes())

    def _keep(self, new_rows: list[IdentifierPart]) -> None:
        if new_rows and self.keeps:
            with writing(IDENTIFIED, check_cancelled=self.check_cancelled), transaction.atomic(using=IDENTIFIED):
                IdentifierPart.objects.bulk_create(new_rows, ignore_conflicts=True)


def digest_of(deployment: Deployment, inputs: str) -> str | None:
    """Return the digest of the identifiers for these inputs (see `Finder.inputs`), or None if they are not known."""
    rows = KnownIdentifiers.objects.filter(deployment_number=deployment.number, inputs=inputs)
    return rows.values_list("digest", flat=True).first()


def identifiers_of(deployment: Deployment, digest: str) -> Identifiers | None:
    """Return the identifiers with that digest, or None if they are not known."""
    rows = KnownIdentifiers.objects.filter(deployment_number=deployment.number, digest=digest)
    data = rows.values_list("data", flat=True).first()
    return None if data is None else Identifiers.from_bytes(data)


def remember(
    deployment: Deployment, inputs: str, identifiers: Identifiers, *, check_cancelled: CheckCancelled = None
) -> None:
    """Store the identifiers before a face is filled with them: the next refresh compares its own with them."""
    with writing(IDENTIFIED, check_cancelled=check_cancelled), transaction.atomic(using=IDENTIFIED):
        KnownIdentifiers.objects.update_or_create(
            deployment_number=deployment.number,
            digest=identifiers.digest,
            defaults={"inputs": inputs, "data": identifiers.to_bytes()},
        )


def forget_others(deployment: Deployment, names: set[str], *, check_cancelled: CheckCancelled = None) -> None:
    """Delete parts with other names than `names`, and identifiers that the anonymous face no longer refers to."""
    mirrored = MirroredTable.objects.using(ANONYMOUS).filter(deployment_number=deployment.number)
    shown = "\n".join(mirrored.values_list("transform", flat=True).distinct())
    mine = {"deployment_number": deployment.number}
    with writing(IDENTIFIED, check_cancelled=check_cancelled), transaction.atomic(using=IDENTIFIED):
        parts = IdentifierPart.objects.filter(**mine).values_list("pk", "name")
        old = [pk for pk, name in parts.iterator() if name not in names]
        for start in range(0, len(old), _DELETED_AT_ONCE):
            IdentifierPart.objects.filter(pk__in=old[start : start + _DELETED_AT_ONCE]).delete()
        known = KnownIdentifiers.objects.filter(**mine).values_list("pk", "digest")
        gone = [pk for pk, digest in known if digest not in shown]
        KnownIdentifiers.objects.filter(pk__in=gone).delete()


def _hash(value) -> str:
    return hashlib.sha256(json.dumps(value).encode("ascii")).hexdigest()
