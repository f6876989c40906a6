"""Names of columns, keys and parameters that hold a person's id, and the values under them.

Recruiters and labs write these names in any casing (`workerId`, `PROLIFIC_PID`): only letters and digits are compared.
The names are in psynetdata/psynet/wordlists/identity_names.csv.
"""

import json
import re
from collections.abc import Callable

from ahocorasick_rs import AhoCorasick

from psynetdata.psynet.wordlists.identity_names import ANYWHERE, identity_names

from .strength import fold

_SNAKE = identity_names(ANYWHERE)
# {name without underscores: kind}
NAMES = {name.replace("_", ""): kind for name, kind in _SNAKE.items()}
# A cheap first check, in lower case: all names, with nothing or something small between their words.
_SPELLINGS = sorted({small.join(name.split("_")) for name in _SNAKE for small in ("", "_", "-", " ")})
_ANY = AhoCorasick(_SPELLINGS, store_patterns=False)
_LONG = tuple(name for name in NAMES if len(name) >= 6)
_MEMBER = re.compile(r'"([^"\\]{2,60})"(\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)', re.DOTALL)
# A lookahead from each word: in `http://h/?worker_id=4` the first `:` must not swallow the rest.
_LOOSE = re.compile(
    r"""(?<![A-Za-z0-9])(?=([A-Za-z][\w -]{1,60})([\\"']{0,8}\s*[:=]\s*[\\"']{0,8})([^"&,;\s\\}\]]{1,64}))"""
)

Replaced = Callable[[str], str | None]


def kind_of(name: str) -> str | None:
    """Return the kind of id (identifiers.KINDS) that a name stands for, or None."""
    return NAMES.get(_plain(name))


def _ends_in_name(text: str) -> bool:
    plain = _plain(text.split()[-1]) if text.strip() else ""
    return plain in NAMES or plain.endswith(_LONG) or _plain(text) in NAMES


def may_hold(text: str) -> bool:
    """Return whether the text contains such a name. Most texts contain none, which is cheaper to check."""
    return bool(_ANY.find_matches_as_indexes(fold(text)))


def in_json(text: str, replaced: Replaced) -> str:
    """Return the JSON text with strings and numbers under such names replaced, unless `replaced` returns None."""

    def change(match: re.Match[str]) -> str:
        key, between, token = match.groups()
        if not _ends_in_name(key):
            return match.group()
        new = replaced(_plain_value(token))
        return match.group() if new is None else f'"{key}"{between}{json.dumps(new)}'

    return _MEMBER.sub(change, text)


def spans(text: str, replaced: Replaced) -> list[tuple[int, int, str]]:
    """Return (start, end, replacement) of values under such names in non-JSON text: `workerId=4&…`, `worker_id: 4`."""
    found = []
    for match in _LOOSE.finditer(text):
        if _ends_in_name(match[1]) and (new := replaced(match[3])) is not None:
            found.append((match.start(3), match.end(3), new))
    return found


def _plain_value(token: str) -> str:
    if token[0] != '"':
        return token
    try:
        value: str = json.loads(token, strict=False)
    except ValueError:  # the text around it need not be valid JSON
        return token[1:-1]
    return value


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if "a" <= character <= "z" or "0" <= character <= "9")
