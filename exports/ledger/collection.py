"""Add to a ledger what stored snapshots hold, each once; and remove entries again where something is erased.

A snapshot is read by the rows that the one before it does not have, so the cost follows the change. It is read again if
rules change that say what an identifier is: the code's (RULESET, VERSION) or those of the policy.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import cached_property

from exports.leakscan.needles import ledger_entries as needles
from exports.leakscan.needles.ledger_entries import NeedleReader
from exports.models import LedgerFile, Snapshot
from exports.store.reader import SnapshotReader
from psynetdata.anonymize import ruleset
from psynetdata.anonymize.face.deployment_anonymizer import policy_of
from psynetdata.anonymize.identifiers.ledger_entries import LedgerReader, rules_digest
from psynetdata.anonymize.identifiers.personal_assets import decided_public
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.models import Deployment
from psynetdata.psynet import csvtext
from psynetdata.psynet.problems import Problem

from .changed_rows import ChangedRows
from .sealed_files import Entries, Entry, LedgerFiles, state_of

# These tables decide which assets are personal, so they come first.
_FIRST = ("node", "asset_participant")
# While somebody waits for a page, at most so many rows are read if all of a snapshot is new, and so many snapshots.
_AT_ONCE = 200_000
_MOST_AT_ONCE = 20
# on_progress(snapshots done, all of them)
OnProgress = Callable[[int, int], None]


class NotCollected(Problem):
    """The ledger lacks snapshots, and reading them takes too long for a page."""

    status = 503


class Ledger:
    """A complete ledger, for the anonymizer (psynetdata.anonymize.face.identifier_cache.Ledger) and for the scan."""

    def __init__(self, files: LedgerFiles):
        self._files = files
        self.state = files.state

    @property
    def entries(self) -> Iterable[Entry]:
        """The anonymizer's entries. Raises Damaged, as `searched` does, if a file of the ledger cannot be read."""
        return self._all.replaced

    @property
    def searched(self) -> Iterable[Entry]:
        """The scan's entries."""
        return self._all.searched

    @cached_property
    def _all(self) -> Entries:
        return self._files.all()


def complete(deployment: Deployment, on_progress: OnProgress | None = None) -> Ledger:
    """Return the deployment's ledger, after adding the stored snapshots that it lacks.

    `on_progress` is called often and may raise to stop; what was read until then stays. Raises Damaged if a file of the
    ledger is missing or cannot be read.
    """
    show, files = on_progress or (lambda *_: None), LedgerFiles(deployment)
    policy = policy_of(deployment)
    rules = _rules(policy)
    due = _due(files, rules)
    known: Entries | None = None
    for done, snapshot in enumerate(due):
        show(done, len(due))
        found = _collect(snapshot, _base(files, snapshot, rules), policy, lambda done=done: show(done, len(due)))
        if found and known is None:
            known = files.all()
        if known is not None:
            new = found.without(known)
            files.add(new)
            known.add(new)
        # Only now: if this is interrupted, the snapshot is read again, and nothing is lost.
        Snapshot.objects.filter(pk=snapshot.pk).update(collected=rules)
    if due:
        files.merge()
    return Ledger(files)


def complete_at_once(deployment: Deployment) -> Ledger:
    """Return the deployment's ledger for a page. Raises NotCollected if too many rows have to be read for it."""
    files = LedgerFiles(deployment)
    rules = _rules(policy_of(deployment))
    due = _due(files, rules)
    all_new = due and _base(files, due[0], rules) is None
    if (all_new and due[0].rows > _AT_ONCE) or len(due) > _MOST_AT_ONCE:
        raise NotCollected(
            f"The identifiers of deployment {deployment.deployment_id} are still being collected, so there are no "
            "anonymous sheets of the past yet; try again in some minutes."
        )
    return complete(deployment)


def states() -> dict[int, str]:
    """Return {deployment: the state of its ledger} for all deployments that have one."""
    continued = dict(Deployment.objects.values_list("pk", "continues"))
    names: dict[int, list[str]] = {}
    for pk, name in LedgerFile.objects.values_list("deployment", "name"):
        names.setdefault(_first(pk, continued), []).append(name)
    firsts = {pk: _first(pk, continued) for pk in continued}
    return {pk: state_of(names[first]) for pk, first in firsts.items() if first in names}


def _first(pk: int, continued: dict[int, int | None]) -> int:
    while (before := continued[pk]) is not None:
        pk = before
    return pk


def is_complete(deployment: Deployment) -> bool:
    """Return whether the ledger has all that the deployment's stored snapshots hold."""
    return not _due(LedgerFiles(deployment), _rules(policy_of(deployment)))


def read_again(deployment: Deployment) -> None:
    """Let the next use of the ledger read all stored snapshots again. Entries that they do not hold stay."""
    Snapshot.objects.filter(deployment__in=deployment.chain()).exclude(collected="").update(collected="")


def repair(deployment: Deployment) -> int:
    """Drop files of the ledger that cannot be read and let all snapshots be read again. Return how many files.

    Files that are in the storage though no row names them are part of it again: the database may be an older copy.
    """
    files = LedgerFiles(deployment)
    files.find()
    damaged = files.problems()
    if damaged:
        files.drop(damaged)
    read_again(deployment)
    return len(damaged)


def forget(deployment: Deployment) -> None:
    """Remove the whole ledger. The next use fills it again from the rows that are stored then."""
    LedgerFiles(deployment).drop()
    read_again(deployment)


def erase(deployment: Deployment, participants: Iterable[int]) -> None:
    """Remove what came from these participants' rows, once their rows are gone from all stored snapshots.

    What other rows hold too is found again: the next use of the ledger reads them.
    """
    owners = {str(number) for number in participants}
    LedgerFiles(deployment).rewrite(lambda _, owner: owner not in owners)
    read_again(deployment)


def _rules(policy: Policy) -> str:
    """Return a hash of all that decides which entries rows add."""
    return hashlib.sha256(f"{ruleset.VERSION} {needles.VERSION} {rules_digest(policy)}".encode()).hexdigest()


def _due(files: LedgerFiles, rules: str) -> list[Snapshot]:
    snapshots = Snapshot.objects.of_people().filter(deployment__in=files.chain).exclude(collected=rules)
    return list(snapshots.select_related("deployment").order_by("pk"))


def _base(files: LedgerFiles, snapshot: Snapshot, rules: str) -> Snapshot | None:
    """Return the nearest earlier snapshot of which the ledger has everything."""
    done = Snapshot.objects.filter(deployment__in=files.chain, collected=rules, pk__lt=snapshot.pk)
    return done.order_by("-pk").first()


def _collect(snapshot: Snapshot, base: Snapshot | None, policy: Policy, check: Callable[[], None]) -> Entries:
    """Return the entries of the rows that `base` does not have."""
    rows = ChangedRows(SnapshotReader(snapshot), base and SnapshotReader(base), check)
    replaced, searched = LedgerReader(policy), NeedleReader(_decided(rows, policy))

    def read(table: str, batches: Iterable[tuple[list[str], list[bytes]]]) -> None:
        for names, records in batches:
            replaced.read(table, names, csvtext.rows(records))
            searched.read(table, names, records)

    for table in sorted(rows.tables, key=lambda name: (name not in _FIRST, name)):
        if base is not None and table == "asset":
            # Rows that are as they were may say more about changed ones.
            read("node", rows.with_ids("node", _column(rows.changed("asset"), "node_id")))
            read("asset", rows.with_ids("asset", _column(rows.changed("asset_participant"), "asset_id")))
        read(table, rows.changed(table))
    searched.close()
    return Entries(replaced.entries, searched.entries)


def _decided(rows: ChangedRows, policy: Policy) -> frozenset[str]:
    """Return the ids of assets that a decision makes public."""
    if not policy.selectors("asset", "*") or "asset" not in rows.tables:
        return frozenset()
    assets = (
        dict(zip(names, row, strict=True)) for names, records in rows.changed("asset") for row in csvtext.rows(records)
    )
    return decided_public(assets, policy)


def _column(batches: Iterable[tuple[list[str], list[bytes]]], column: str) -> set[str]:
    """Return the values of a column."""
    values = set()
    for names, records in batches:
        if column in names:
            at = names.index(column)
            values.update(row[at] for row in csvtext.rows(records) if row[at])
    return values
