"""Every column of PsyNet's own classes, as the lines of psynetdata/psynet/columns.csv: its type, whether its text is
JSON, and the column that it is a key to. What else a column means is written by hand in column_roles.csv.

Runs in PsyNet's environment (`make psynet-columns`), without a database: it imports each of PsyNet's modules, so that
the columns of all kinds of trial makers are registered, and asks SQLAlchemy what it would create. `--check FILE`
prints the lines that FILE lacks or has without need, and exits with status 1 if there are any.
"""

import csv
import importlib
import io
import os
import pkgutil
import sys
import tempfile
import types

_HOME = tempfile.TemporaryDirectory(prefix="psynet-home-")
os.environ["HOME"] = _HOME.name  # importing PsyNet makes folders there

import psynet.experiment  # noqa: E402 - comes first: it registers PsyNet's tables
from dallinger.db import Base  # noqa: E402
from psynet.field import PythonClass, PythonObject  # noqa: E402
from sqlalchemy import Enum  # noqa: E402
from sqlalchemy.dialects import postgresql  # noqa: E402

# Modules that some of PsyNet's modules import for their pages or tests, and that no column needs.
_FOR_PAGES = ("arabic_reshaper", "pytest")
# PostgreSQL's own names (udt_name) for the types as SQLAlchemy writes them in SQL.
_TYPES = {
    "BOOLEAN": "bool",
    "FLOAT": "float8",
    "INTEGER": "int4",
    "JSONB": "jsonb",
    "TEXT": "text",
    "TIMESTAMP WITHOUT TIME ZONE": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "VARCHAR": "varchar",
}


class _Absent(types.ModuleType):
    """Replaces a module that is not installed here."""

    def __getattr__(self, name):
        return _Absent(name)

    def __call__(self, *args, **options):
        return args[0] if args and callable(args[0]) else self


def import_all() -> None:
    for name in _FOR_PAGES:
        sys.modules.setdefault(name, _Absent(name))
    for module in pkgutil.walk_packages(psynet.__path__, "psynet."):
        importlib.import_module(module.name)


def lines() -> list[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "column", "type", "not_null", "json", "key"])
    for name, table in sorted(Base.metadata.tables.items()):
        for column in table.columns:
            key = next((key.target_fullname for key in column.foreign_keys), "")
            flags = ["ft"[not column.nullable], "ft"[_is_json(column.type)]]
            writer.writerow([name, column.name, _type(column.type), *flags, key])
    return out.getvalue().splitlines()


def _is_json(column_type) -> bool:
    if isinstance(column_type, PythonObject):
        return not isinstance(column_type, PythonClass)  # which is stored as the name of a class
    return isinstance(column_type, postgresql.JSON)


def _type(found) -> str:
    if isinstance(found, Enum):
        return found.name
    return _TYPES[found.compile(dialect=postgresql.dialect()).partition("(")[0]]


def differences(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        listed = file.read().splitlines()
    found = lines()
    lacking = [f"lacks: {line}" for line in found if line not in set(listed)]
    return lacking + [f"has without need: {line}" for line in listed if line not in set(found)]


if __name__ == "__main__":
    import_all()
    said = differences(sys.argv[2]) if sys.argv[1:2] == ["--check"] else lines()
    print("\n".join(said) or "every column of PsyNet is listed")
    _HOME.cleanup()
    sys.exit(int(sys.argv[1:2] == ["--check"] and bool(said)))
