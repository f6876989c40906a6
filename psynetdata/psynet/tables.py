"""What PsyNet 13.3 keeps in which table: names, columns, types.

The list in columns.csv is made by importing every module of PsyNet 13.3.0 on
Dallinger 12.4.0 (`make psynet-columns`), so it has the columns of all its kinds of trial
makers; a database has those that its experiment imports. Tables and columns beyond it
are legal: an experimenter's own tables come on top, and are taken as text.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Tables that have a Django model of their own; every other table is mirrored as Record.
TYPED_TABLES = ("participant", "info", "asset", "node", "network", "response")

# Web-server traffic: kept in snapshots and exports, mirrored only when asked for.
UNMIRRORED_TABLES = ("request",)

# Left out of class files, as PsyNet does (psynet.data, export of tables to CSV).
UNEXPORTED_COLUMNS = ("property1", "property2", "property3", "property4", "property5", "details")

# What Dallinger's network view needs beside `type` (psynet.data, get_sql_base_class); else the table's CamelCase name.
_BASE_CLASSES = {"response": "_Response", "experiment": "ExperimentConfig"}

# A database without these is not PsyNet's.
REQUIRED_TABLES = ("experiment", "participant", "info", "node", "network", "response")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `type` is PostgreSQL's udt_name, or None where nobody told."""

    name: str
    type: str | None = None
    not_null: bool = False


# An experimenter's table made with psynet.data.SQLMixin has this one too (dallinger.models.SharedMixin), and PsyNet
# takes no row without it.
_MADE_BY_MIXIN = {"details": Column("details", "jsonb", not_null=True)}


@cache
def known_tables() -> dict[str, dict[str, Column]]:
    """{table: {column: Column}} of PsyNet 13.3, columns in their order."""
    tables: dict[str, dict[str, Column]] = {}
    with Path(__file__).with_name("columns.csv").open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            column = Column(line["column"], line["type"], line["not_null"] == "t")
            tables.setdefault(line["table"], {})[column.name] = column
    return tables


def describe(table: str, names: list[str]) -> list[Column]:
    """Columns for a header, with what is known of PsyNet's own."""
    known = known_tables().get(table, _MADE_BY_MIXIN)
    return [known.get(name) or Column(name) for name in names]


def has_integer_id(table: str) -> bool:
    """Whether PsyNet gives the table an integer `id`; unknown tables: not known, False."""
    column = known_tables().get(table, {}).get("id")
    return column is not None and column.type == "int4"


def class_name(table: str, type_text: str | None) -> str:
    """The class of a row: the last part of its `type`.

    `dallinger_experiment.experiment.CustomTrial` → `CustomTrial`. Empty, without a
    dot, or no such column: the table's name in CamelCase (`asset_trial` → `AssetTrial`).
    """
    if type_text and "." in type_text:
        return type_text.rsplit(".", 1)[1] or camel_case(table)
    return camel_case(table)


def base_class(table: str) -> str:
    """What PsyNet's class files call `object_type`."""
    return _BASE_CLASSES.get(table, camel_case(table))


def camel_case(table: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in table.split("_"))
