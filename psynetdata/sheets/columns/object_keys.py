"""Finds the keys of objects that are columns of a table's sheets: reads all rows of a state once, then caches."""

from collections.abc import Iterable
from functools import lru_cache

import orjson
from django.db.models import Q

from psynetdata.psynet.classfile import unpacked_keys

from .table_shape import TableShape

# {class: {source: its keys in the order of their first row}}
Keys = dict[str, dict[str, dict[str, None]]]
# Known texts are not read again; definitions repeat thousands of times.
_REMEMBERED = 50_000


def columns(shape: TableShape, class_name: str | None) -> list[str]:
    """Return the keys that are columns in the sheet of a class, or of all classes if `class_name` is None."""
    if not unpacked_keys.sources(shape.table, shape.columns):
        return []
    keys = _keys(shape)
    classes = keys.values() if class_name is None else [keys.get(class_name, {})]
    return list(dict.fromkeys(_of_classes(classes)))


def _of_classes(classes: Iterable[dict[str, dict[str, None]]]):
    for sources in classes:
        for keys in sources.values():
            if len(keys) < unpacked_keys.MAX_KEYS:
                yield from keys


@lru_cache(maxsize=64)
def _keys(shape: TableShape) -> Keys:
    """Return the keys of a table's objects. Cached: shapes are equal only if their rows are (`state`)."""
    taken = unpacked_keys.standing(name for name, _ in shape.all_columns)
    sources = unpacked_keys.sources(shape.table, shape.columns)
    typed = [name for name in sources if name in shape.model.typed_fields()]
    kept = [name for name in sources if name not in typed]
    rows = shape.rows()
    if not kept:
        rows = rows.filter(_any(Q(**{f"{name}__startswith": "{"}) & ~Q(**{name: "{}"}) for name in typed))
    all_keys: Keys = {}
    seen: set[tuple[str, str, str]] = set()
    names = ["class_name", *(["rest"] if kept else []), *typed]
    for class_name, *texts in rows.values_list(*names).iterator(chunk_size=2000):
        cells = orjson.loads(texts.pop(0)) if kept else {}
        cells.update(zip(typed, texts, strict=True))
        for source in sources:
            text = cells.get(source)
            if not text or text[0] != "{" or (class_name, source, text) in seen:
                continue
            if len(seen) < _REMEMBERED:
                seen.add((class_name, source, text))
            keys = all_keys.setdefault(class_name, {name: {} for name in sources})[source]
            if len(keys) < unpacked_keys.MAX_KEYS:
                keys.update((key, None) for key, _ in unpacked_keys.unpack(source, text, taken))
    return all_keys


def _any(conditions: Iterable[Q]) -> Q:
    joined = Q()
    for condition in conditions:
        joined |= condition
    return joined
