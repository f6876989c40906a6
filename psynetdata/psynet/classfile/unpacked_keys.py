"""Which keys of a row's JSON objects become columns of their own (psynet.data, SQLMixinDallinger.to_dict).

`vars` is unpacked everywhere, `definition` and `answer` of trials too. A key becomes a column unless one of that
name stands; where several objects of a row have it, the first in that order gives the value.
"""

import json
import re
from collections.abc import Iterable, Iterator

from psynetdata.psynet import jsontext

# Objects with as many different keys are keyed by data (ids, times); their keys stay in their own column.
MAX_KEYS = 2000
_ADDED = frozenset(("class", "object_type", "time"))
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


def sources(table: str, columns: Iterable[str]) -> list[str]:
    """The columns among `columns` whose objects are unpacked, in the order in which they give values."""
    unpacked = ("vars", "definition", "answer") if table == "info" else ("vars",)
    return [name for name in unpacked if name in set(columns)]


def standing(columns: Iterable[str]) -> frozenset[str]:
    """Names that no key can take: all columns of the table, withheld ones too, and what PsyNet adds."""
    return _ADDED.union(columns)


def unpack(source: str, text: str | None, taken: frozenset[str]) -> Iterator[tuple[str, object]]:
    """(key, value) of each key of the object in `text` that becomes a column; none where it is no plain object."""
    if not text or text[0] != "{" or text == "{}":
        return
    value = jsontext.decode(text)
    # With a tag of jsonpickle's it is an object of a class, which PsyNet does not unpack either.
    if not isinstance(value, dict) or any(key.startswith("py/") for key in value):
        return
    hidden = "_" if source == "vars" else "\0"
    for key, item in value.items():
        if key and key not in taken and not key.startswith(hidden):
            yield key, item


def cell(value: object) -> str | None:
    """A JSON value as the text of a CSV cell; None for null."""
    if value is None:
        return None
    if isinstance(value, str) and is_writable(value):
        return value
    if isinstance(value, bool):
        return str(value)
    try:
        text = jsontext.encode(value)
    except RecursionError:
        return None  # nested beyond sense; the whole stands in its own column
    return text if is_writable(text) else json.dumps(value)


def is_writable(text: str) -> bool:
    """Half a surrogate pair is no UTF-8, and a NUL ends the line for most readers of CSV."""
    return _UNWRITABLE.search(text) is None
