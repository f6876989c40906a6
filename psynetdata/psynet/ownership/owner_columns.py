"""The columns of a table that say whose a row is, and the order in which tables are read to follow keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import EMPTY
from psynetdata.psynet.tables import keys_by_name, known_tables

_PARTICIPANT = "participant"


@dataclass(frozen=True)
class OwnerColumns:
    """Places of columns in a table's rows.

    `numbers`: of participants' numbers. `ids`: (place, column of `participant` that has this id), the most specific
    first. `keys`: (place, table) of keys to rows that this row follows if it names nobody. `network`: of the key to
    the network that a node follows instead of all these, if it has one. `number`: of the row's own id. `shared`: also
    of its own id, but only if tables link such rows to participants (see `links`).
    """

    numbers: tuple[int, ...]
    ids: tuple[tuple[int, str], ...]
    keys: tuple[tuple[int, str], ...]
    network: int | None
    number: int | None
    shared: int | None

    @property
    def says_nothing(self) -> bool:
        return not (self.numbers or self.ids or self.keys or self.shared is not None)


def owner_columns(table: str, names: Sequence[str]) -> OwnerColumns:
    """Return the columns for a table whose rows have these columns. Names decide, also in experimenters' tables."""
    at = {name: place for place, name in enumerate(names)}
    number = at.get("id")
    if table == _PARTICIPANT:
        return OwnerColumns(() if number is None else (number,), (), (), None, number, None)
    owners = [(at[name], keys_by_name()[name].target) for name in columns_with_role(Role.OWNER, table) if name in at]
    return OwnerColumns(
        numbers=tuple(at[name] for name in columns_with_role(Role.PERSON, table) if name in at),
        ids=tuple((at[name], _id_column(name)) for name in columns_with_role(Role.PERSON_ID, table) if name in at),
        keys=tuple(owners),
        network=at.get("network_id") if table == "node" else None,
        number=number,
        shared=number if table in {goal for _, goal in links().values()} else None,
    )


def is_empty(cell: str | None) -> bool:
    """Return whether a cell names nobody: NULL, or the empty text, as rows or blocks of rows have them."""
    return not cell or cell == EMPTY


def id_columns() -> tuple[str, ...]:
    """Return the columns of `participant` with ids that other tables use, the most specific first."""
    return columns_with_role(Role.PERSON_ID, _PARTICIPANT)


@cache
def links() -> dict[str, tuple[str, str]]:
    """Return {table that links participants to shared rows: (its key to them, their table)}."""
    members = ((table, columns_with_role(Role.MEMBER, table)) for table in known_tables())
    return {table: (columns[0], keys_by_name()[columns[0]].target) for table, columns in members if columns}


@cache
def followed() -> tuple[str, ...]:
    """Return the tables whose rows other rows follow, each one after those that its own rows follow."""
    goals = {keys_by_name()[name].target for name in columns_with_role(Role.OWNER)}
    owners = {table: {keys_by_name()[name].target for name in columns_with_role(Role.OWNER, table) if name in columns}
              for table, columns in known_tables().items()}  # fmt: skip
    return tuple(TopologicalSorter({goal: sorted(owners[goal]) for goal in sorted(goals)}).static_order())


def in_order(tables: Iterable[str]) -> list[str]:
    """Return the tables in an order in which participants, and rows that others follow, come first."""
    rank = {table: place for place, table in enumerate((_PARTICIPANT, *followed()))}
    return sorted(tables, key=lambda table: (rank.get(table, len(rank)), table))


def _id_column(name: str) -> str:
    """Return the column of `participant` that has this id: `rid` of Lucid is a key to `worker_id`."""
    return keys_by_name()[name].target_column if name in keys_by_name() else name
