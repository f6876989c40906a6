"""All identifiers of a deployment: the parts of its tables put together."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet.table_source import TableSource

from .answer_copies import CopiesOfParts
from .contribution import Part
from .contribution_reader import PartReader, keep
from .identifiers import Identifiers
from .personal_assets import Files
from .public_words import Words

# These tables decide which assets are personal, so they come first.
_FIRST = ("asset_participant", "node")
# Number of rows in a part if the source has no parts itself.
_PART = 8192
# Longer words of entry_information count without a digit too.
_LONG_ENTRY = 12


def collect(source: TableSource, policy: Policy) -> Identifiers:
    """Return all identifiers and secrets in the tables of one moment; reads tables that can hold any once."""
    return together(_parts(source, policy))


def in_order(tables: Iterable[str]) -> list[str]:
    """Return the tables in the order in which `together` needs their parts."""
    return sorted(tables, key=lambda table: (table not in _FIRST, table))


def together(parts: Iterable[tuple[str, Part]]) -> Identifiers:
    """Return the identifiers from (table, part) of all tables, in the order of `in_order`."""
    kinds: dict[str, str] = {}
    entries: dict[str, Counter[tuple[str, bool]]] = {}
    people: Counter[str] = Counter()
    words, files, copies = Words(), Files(), CopiesOfParts()
    for table, part in parts:
        for value, kind in part.kinds.items():
            keep(kinds, value, kind)
        people[table] += part.rows
        counted = entries.setdefault(table, Counter())
        for value, telling, n in part.entries:
            counted[value, telling] += n
        words.add(part)
        files.add(part)
        copies.add(part)
    for table, counted in entries.items():
        for (value, telling), n in counted.items():
            if (n == 1 and telling) or (_names_someone(value) and (n == 1 or 2 * n < people[table])):
                keep(kinds, value, "entry")
    for value, kind in files.traces().items():
        keep(kinds, value, kind)
    return Identifiers(kinds, frozenset(files.personal), words.of(kinds), copies.all())


def _parts(source: TableSource, policy: Policy) -> Iterator[tuple[str, Part]]:
    for table in in_order(source.tables()):
        reader = PartReader(table, source.columns(table), policy)
        rows = iter(source.rows(table)) if reader.needed else iter(())
        while (part := reader.read(islice(rows, _PART))).rows:
            yield table, part


def _names_someone(value: str) -> bool:
    """Return whether a value of entry_information is more than a word such as a country or a language."""
    return len(value) >= 6 and (len(value) >= _LONG_ENTRY or "@" in value or any(map(str.isdigit, value)))
