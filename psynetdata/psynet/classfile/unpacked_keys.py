"""Decides which keys of a row's JSON objects become columns (psynet.data, SQLMixinDallinger.to_dict).

`vars` is unpacked everywhere, and in trials also `definition` and `answer`. A key becomes a column unless a column of
that name exists; if several objects of a row have the key, the first in that order gives the value.
"""

import json
import re
from collections.abc import Iterable, Iterator

from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role

# Objects with this many different keys are keyed by data (ids, times); they stay packed in their column.
MAX_KEYS = 2000
_ADDED = frozenset(("class", "object_type", "time"))
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def sources(table: str, columns: Iterable[str]) -> list[str]:
    """Return the columns among `columns` whose objects are unpacked, in order of precedence."""
    names = set(columns)
    return [name for name in columns_with_role(Role.UNPACKED, table) if name in names]


def standing(columns: Iterable[str]) -> frozenset[str]:
    """Return names that no key can take: the table's columns, including withheld ones, and those that PsyNet adds."""
    return _ADDED.union(columns)


def unpack(source: str, text: str | None, taken: frozenset[str]) -> Iterator[tuple[str, object]]:
    """Yield (key, value) for each key of the object in `text` that becomes a column; none if it is no plain object."""
    if not text or text[0] != "{" or text == "{}":
        return
    value = jsontext.decode(text)
    # With a jsonpickle tag it is an object of a class, which PsyNet does not unpack either.
    if not isinstance(value, dict) or any(key.startswith("py/") for key in value):
        return
    hidden = "_" if source == "vars" else "\0"
    for key, item in value.items():
        if key and key not in taken and not key.startswith(hidden):
            yield key, item


def cell(value: object) -> str | None:
    """Return a JSON value as the text of a CSV cell; None for null."""
    if value is None:
        return None
    if isinstance(value, str) and is_writable(value):
        return value
    if isinstance(value, bool):
        return str(value)
    try:
        text = jsontext.encode(value)
    except RecursionError:
        return None  # nested too deeply; the whole object is still in its own column
    return text if is_writable(text) else json.dumps(value)


def is_writable(text: str) -> bool:
    """Return whether the text can be written: half a surrogate pair is not UTF-8, and many CSV readers stop at NUL."""
    return _UNWRITABLE.search(text) is None
