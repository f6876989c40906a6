"""The names under which a face shows tables and columns: an experimenter's own names can contain an identifier."""

from collections.abc import Callable, Collection, Iterable
from functools import cache

from psynetdata.psynet.tables import known_tables

NameOf = Callable[[str], str]


def unchanged(name: str) -> str:
    return name


def table_names(tables: Iterable[str], name_of: NameOf, *, kept: Collection[str] = ()) -> dict[str, str]:
    """Return {table of the source: its name on the face}, no two alike. `kept`: names that are known to stay."""
    return _named(tables, {*known_tables(), *kept}, name_of)


def column_names(table: str, columns: Iterable[str], name_of: NameOf) -> dict[str, str]:
    """Return {column of the source: its name on the face}, no two alike."""
    return _named(columns, known_tables().get(table, _known_columns()), name_of)


def _named(names: Iterable[str], stay: Collection[str], name_of: NameOf) -> dict[str, str]:
    """PsyNet's own names stay. Names that become equal get a number."""
    new = {name: name if name in stay else name_of(name) for name in names}
    taken = {name for name in new if new[name] == name}
    for name in sorted(new.keys() - taken):
        unique, number = new[name], 2
        while unique in taken:
            unique, number = f"{new[name]}~{number}", number + 1
        new[name] = unique
        taken.add(unique)
    return new


@cache
def _known_columns() -> frozenset[str]:
    return frozenset(column for columns in known_tables().values() for column in columns)
