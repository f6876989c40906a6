"""JSON as PsyNet keeps it: text in text columns, jsonpickle tags and NaN included.

Data is data (law 8): it is parsed as JSON on the way out and never turned into
Python objects. `{"py/object": …}` stays a dictionary.
"""

import json
import math
from typing import Any

MISSING = object()


def decode(text: str | None) -> Any:
    """The value of a JSON text, NaN and ±Infinity as floats; MISSING where it is not JSON.

    SQL NULL (None) decodes to None.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def read(text: str | None) -> Any:
    """What a reader of the data wants: the value where the text is JSON, else the text itself."""
    value = decode(text)
    return text if value is MISSING else value


def without_nan(value: Any) -> Any:
    """The same value with null for NaN and ±Infinity, which JSON proper does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return value


def encode(value: Any) -> str:
    """JSON text as PsyNet writes it: readable Unicode escapes off, NaN allowed."""
    return json.dumps(value, ensure_ascii=False)
