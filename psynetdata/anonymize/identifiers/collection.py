"""All identifiers of a deployment: the parts of its tables put together, and the entries of its ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet.table_source import TableSource

from .answer_copies import AnswerCopyCollector
from .contribution import Contribution
from .contribution_reader import ContributionReader, keep
from .identifiers import Identifiers
from .ledger_entries import Entry, KnownEntries
from .personal_assets import PersonalAssets
from .public_words import PublicWords

# These tables decide which assets are personal, so they come first.
_FIRST = ("asset_participant", "node")
# Number of rows in a part if the source has no parts itself.
_PART = 8192
# Longer words of entry_information count without a digit too.
_LONG_ENTRY = 12


def collect(source: TableSource, policy: Policy, ledger: Iterable[Entry] = ()) -> Identifiers:
    """Return all identifiers and secrets in the tables of one moment, and in the entries of a ledger.

    Reads tables that can hold any once.
    """
    return merge_contributions(_contributions(source, policy), KnownEntries.sorted_out(ledger, policy))


def in_order(tables: Iterable[str]) -> list[str]:
    """Return the tables in the order in which `merge_contributions` needs their parts."""
    return sorted(tables, key=lambda table: (table not in _FIRST, table))


def merge_contributions(
    contributions: Iterable[tuple[str, Contribution]], known: KnownEntries | None = None
) -> Identifiers:
    """Return the identifiers from (table, part) of all tables, in the order of `in_order`, and from a ledger's entries.

    Here exemptions are applied on top of the ledger: what many people passed on, what a public file has too, and last
    the words of the experiment, according to the tables of this moment.
    """
    known = known or KnownEntries()
    kinds: dict[str, str] = {}
    for value, kind in [*known.values, *known.typed]:
        keep(kinds, value, kind)
    sure = {value for value, _ in known.values}
    entries: dict[str, Counter[tuple[str, bool]]] = {}
    people: Counter[str] = Counter()
    words, files, copies = PublicWords(), PersonalAssets(known.assets, known.traces), AnswerCopyCollector()
    for table, contribution in contributions:
        for value, kind in contribution.kinds.items():
            keep(kinds, value, kind)
        sure.update(contribution.kinds.keys() - set(contribution.typed))
        people[table] += contribution.rows
        counted = entries.setdefault(table, Counter())
        for value, telling, n in contribution.entries:
            counted[value, telling] += n
        words.add(contribution)
        files.add(contribution)
        copies.add(contribution)
    everybody = {table: max(people[table], known.people(table)) for table in {*people, *known.passed_on}}
    for table, value, telling, n in known.counted(entries):
        if (n == 1 and telling) or (_names_someone(value) and (n == 1 or 2 * n < everybody[table])):
            keep(kinds, value, "entry")
    for value, kind in files.traces().items():
        keep(kinds, value, kind)
        sure.add(value)
    return Identifiers(kinds, frozenset(files.personal), words.public_values(kinds, sure), copies.all())


def _contributions(source: TableSource, policy: Policy) -> Iterator[tuple[str, Contribution]]:
    for table in in_order(source.tables()):
        reader = ContributionReader(table, source.columns(table), policy)
        rows = iter(source.rows(table)) if reader.needed else iter(())
        while (contribution := reader.read(islice(rows, _PART))).rows:
            yield table, contribution


def _names_someone(value: str) -> bool:
    """Return whether a value of entry_information is more than a word such as a country or a language."""
    return len(value) >= 6 and (len(value) >= _LONG_ENTRY or "@" in value or any(map(str.isdigit, value)))
