"""JSON as PsyNet stores it: text in text columns, including jsonpickle tags and NaN.

Data is data (law 8): it is parsed as JSON on the way out and never turned into
Python objects. `{"py/object": …}` stays a dictionary.
"""

import json
import math
from typing import Any

MISSING = object()


def decode(text: str | None) -> Any:
    """Return the value of a JSON text, with NaN and ±Infinity as floats; MISSING if it is not JSON.

    SQL NULL (None) decodes to None.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def read(text: str | None) -> Any:
    """Return the value of a JSON text, or the text itself if it is not JSON."""
    value = decode(text)
    return text if value is MISSING else value


def without_nan(value: Any) -> Any:
    """Return the value with null instead of NaN and ±Infinity, which standard JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return value


def encode(value: Any) -> str:
    """Return JSON text as PsyNet writes it: Unicode is not escaped, NaN is allowed."""
    return json.dumps(value, ensure_ascii=False)
