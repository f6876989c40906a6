"""The tables of PsyNet 13.3: names, columns, types, keys.

The list in columns.csv was made by importing every module of PsyNet 13.3.0 on
Dallinger 12.4.0 (`make psynet-columns`), so it has the columns of all kinds of trial
makers; a database has only those that its experiment imports. Other tables and columns
are allowed: experimenters add their own tables, which are read as text. What a column
means beyond its type and key is in column_roles.csv (see column_roles.py).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Tables with their own Django model; every other table is mirrored as Record.
TYPED_TABLES = ("participant", "info", "asset", "node", "network", "response")

# Web-server traffic: kept in snapshots and exports, mirrored only on request.
UNMIRRORED_TABLES = ("request",)

# About the experiment itself: no row is about a person.
EXPERIMENT_TABLES = ("experiment", "experiment_status")

# Base classes that Dallinger's network view needs next to `type` (psynet.data, get_sql_base_class); by default the
# table's name in CamelCase.
_BASE_CLASSES = {"response": "_Response", "experiment": "ExperimentConfig"}

# A database without these is not PsyNet's.
REQUIRED_TABLES = ("experiment", "participant", "info", "node", "network", "response")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `type` is PostgreSQL's udt_name, or None if it is unknown."""

    name: str
    type: str | None = None
    not_null: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key: `table.column` holds a value of `target.target_column`, or NULL."""

    table: str
    column: str
    target: str
    target_column: str

    @property
    def constraint(self) -> str:
        """Return the name that PostgreSQL gives it."""
        return f"{self.table}_{self.column}_fkey"


# An experimenter's table made with psynet.data.SQLMixin also has this column (dallinger.models.SharedMixin), and PsyNet
# does not accept a row without it.
_MADE_BY_MIXIN = {"details": Column("details", "jsonb", not_null=True)}


@cache
def known_tables() -> dict[str, dict[str, Column]]:
    """Return {table: {column: Column}} of PsyNet 13.3, columns in their order."""
    tables: dict[str, dict[str, Column]] = {}
    for line in _lines():
        column = Column(line["column"], line["type"], line["not_null"] == "t")
        tables.setdefault(line["table"], {})[column.name] = column
    return tables


@cache
def json_columns(table: str) -> frozenset[str]:
    """Return the columns of one of PsyNet's tables whose text is JSON, whatever their type; none for other tables."""
    return frozenset(line["column"] for line in _lines() if line["table"] == table and line["json"] == "t")


@cache
def declared_keys() -> tuple[Key, ...]:
    """Return the foreign keys that PsyNet 13.3 declares; a launched database has none of them."""
    return tuple(Key(line["table"], line["column"], *line["key"].split(".")) for line in _lines() if line["key"])


@cache
def keys_by_name() -> dict[str, Key]:
    """Return {column: key} by name alone: PsyNet uses a name for the same target in all tables, and experimenters use
    these names in their own."""
    return {key.column: key for key in declared_keys()}


@cache
def _lines() -> list[dict[str, str]]:
    with Path(__file__).with_name("columns.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def describe(table: str, names: list[str]) -> list[Column]:
    """Return the columns for a header, with the known types of PsyNet's own columns."""
    known = known_tables().get(table, _MADE_BY_MIXIN)
    return [known.get(name) or Column(name) for name in names]


def has_integer_id(table: str) -> bool:
    """Return whether PsyNet gives the table an integer `id`; False for unknown tables."""
    column = known_tables().get(table, {}).get("id")
    return column is not None and column.type == "int4"


def class_name(table: str, type_text: str | None) -> str:
    """Return the class of a row: the last part of its `type`.

    `dallinger_experiment.experiment.CustomTrial` → `CustomTrial`. If the type is empty, has no
    dot, or does not exist: the table's name in CamelCase (`asset_trial` → `AssetTrial`).
    """
    if type_text and "." in type_text:
        return type_text.rsplit(".", 1)[1] or camel_case(table)
    return camel_case(table)


def base_class(table: str) -> str:
    """Return the value of `object_type` in PsyNet's class files."""
    return _BASE_CLASSES.get(table, camel_case(table))


def camel_case(table: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in table.split("_"))
