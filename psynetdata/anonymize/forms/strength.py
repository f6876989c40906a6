"""How an identifier may be searched for: its length and shape decide how reliable a match is.

- ANYWHERE: 8 bytes or more (digits only: 10 or more), anywhere in a text;
- TOKEN: 6 and 7 bytes (digits only: 6 to 9), with no ASCII letter or digit directly before or after;
- WHOLE: 3 to 5 bytes, only as a whole value or as an item between commas, lines or tags;
- NAMED: shorter values, numbers, dates and common words, only under a name of identity (`worker_id`).

Labs use ids such as `1` and `P01`, `max` and `test`: in most places these are data, and a rating of "4" must stay even
if someone's id is 4. Lengths are counted in UTF-8 bytes: a name of two Chinese characters is a name. The words, numbers
and dates are in psynetdata/psynet/wordlists/exemptions.csv.
"""

import ipaddress
import re
from functools import cache, lru_cache

from psynetdata.psynet.tables import known_tables
from psynetdata.psynet.wordlists.exemptions import SCRUB, exemptions

ANYWHERE, TOKEN, WHOLE, NAMED, NEVER = "anywhere", "token", "whole", "named", "never"

_NOTHING = frozenset(exemptions("nothing", SCRUB))
_SHAPES = tuple(map(re.compile, exemptions("shape", SCRUB)))
_NETWORKS = tuple(map(ipaddress.ip_network, exemptions("network", SCRUB)))


@cache
def common_words() -> frozenset[str]:
    """Return words that are never replaced inside a text: placeholders, names of PsyNet's tables and columns."""
    tables = known_tables()
    names = {*tables, *(column for columns in tables.values() for column in columns)}
    return frozenset({*exemptions("word", SCRUB), *(name.casefold() for name in names)})


@lru_cache(maxsize=200_000)
def strength(value: str) -> str:
    """Return ANYWHERE, TOKEN, WHOLE or NAMED; NEVER for a text that means "no value"."""
    folded = value.strip().casefold()
    if folded in _NOTHING:
        return NEVER
    size = len(value.strip().encode("utf-8", "surrogatepass"))
    if size <= 2 or folded in common_words() or _says_nothing(folded):
        return NAMED
    if folded.isdigit():
        return ANYWHERE if len(folded) >= 10 else TOKEN if len(folded) >= 6 else NAMED
    return ANYWHERE if size >= 8 else TOKEN if size >= 6 else WHOLE


def _says_nothing(text: str) -> bool:
    if text.isdigit():
        return False
    if any(shape.fullmatch(text) for shape in _SHAPES):
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in _NETWORKS if network.version == address.version)


def fold(text: str) -> str:
    """Return the text in lower case with exactly the same length, so that positions are valid in the original too.

    `İ` has two characters in lower case and stays; half of a surrogate pair cannot be searched and is replaced.
    """
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    if not lower.isascii() and any("\ud800" <= character <= "\udfff" for character in lower):
        lower = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in lower)
    return lower
