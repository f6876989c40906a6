"""Values under names that say identity (policy/withheld_names.csv), at any depth of JSON, also of JSON inside strings.

They are withheld until someone decides: in JSON they become null. True, false and null stay.
"""

import json
import re
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # missing in Python's stubs

from psynetdata.anonymize.policy import key_names

from . import json_spans

DEPTH = 4
# A key: all between two quotes, the second one before a colon. JSON inside strings has backslashes before quotes.
_KEY = re.compile(r'"([^"]{1,200})"\s*:')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")
_STAYS = ("true", "false", "null")
_DECODER = json.JSONDecoder()


def may_hold(text: str) -> bool:
    """A cheap check: False means that no key of the text is such a name."""
    return '"' in text and any(_is_withheld(key) for key in set(_KEY.findall(text)))


def withheld(text: str) -> str:
    """Return the JSON text without such values; the text itself if it has none or is not JSON."""
    return _withheld(text, DEPTH) if may_hold(text) and json_spans.is_json(text) else text


def special_names(text: str) -> dict[str, str]:
    """Return {key: kind} of the text's keys that name special categories of data (see key_names.special_kind)."""
    keys = {_plain(key) for key in set(_KEY.findall(text))}
    return {key: kind for key in keys if (kind := key_names.special_kind(key))}


def _withheld(text: str, depth: int) -> str:
    pieces: list[tuple[tuple[int, int], str]] = []
    at = 0
    while match := _STRING.search(text, at):
        at = match.end()
        colon = _COLON.match(text, at)
        token = match.group()
        if colon is None:
            if depth and token[1:2] in ("{", "[") and may_hold(token):
                value = json.loads(token, strict=False)
                if json_spans.is_json(value) and (new := _withheld(value, depth - 1)) != value:
                    pieces.append((match.span(), json_spans.quote(new, like=token)))
        elif _is_withheld(token[1:-1]):
            start = colon.end()
            at = _DECODER.raw_decode(text, start)[1]
            if text[start:at] not in _STAYS:
                pieces.append(((start, at), "null"))
    return json_spans.splice(text, pieces)


@lru_cache(maxsize=50_000)
def _is_withheld(key: str) -> bool:
    return key_names.is_identity(_plain(key))


def _plain(key: str) -> str:
    r"""Return a key as it is in the data: `t\u00e9l` is written with more backslashes inside strings."""
    key = key.rstrip("\\")
    if "\\" not in key:
        return key
    text = re.sub(r"\\+u", r"\\u", key)
    try:
        plain: str = scanstring(text + '"', 0, False)[0]
    except ValueError:
        return key
    return plain
