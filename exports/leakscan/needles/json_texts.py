"""Every text inside a JSON text, with its key."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from psynetdata.psynet import jsontext

_DEEPEST = 40


def texts(text: str, *, parameters: bool = True) -> Iterator[tuple[str | None, str]]:
    """Yield (key, value) of each string and number in a JSON text, at any depth, also of JSON inside strings.

    A text that is not JSON yields itself, without a key. With `parameters`, a URL or a query string also yields the
    name and value of each of its parameters.
    """
    value = jsontext.decode(text)
    if value is jsontext.MISSING:
        yield None, text
        if parameters:
            yield from _parameters(text)
        return
    for key, text_value in _walk(value, None, 0):
        yield key, text_value
        if parameters:
            yield from _parameters(text_value)


def _walk(value: Any, key: str | None, depth: int) -> Iterator[tuple[str | None, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _walk(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, key, depth + 1)
    elif isinstance(value, str):
        yield key, value
        if value[:1] in ("{", "[", '"'):
            inner = jsontext.decode(value)
            if inner is not jsontext.MISSING:
                yield from _walk(inner, key, depth + 1)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)


def _parameters(text: str) -> Iterator[tuple[str | None, str]]:
    query = re.sub(";[ ]?", "&", text)  # of cookies
    if "=" in query and " " not in query:
        yield from parse_qsl(query.rpartition("?")[2])
