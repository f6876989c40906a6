"""How an identifier may be searched for: its length and shape decide how reliable a match is.

- ANYWHERE: 8 bytes or more (digits only: 10 or more), anywhere in a text;
- TOKEN: 6 and 7 bytes (digits only: 6 to 9), with no ASCII letter or digit directly before or after;
- WHOLE: 3 to 5 bytes, only as a whole value or as an item between commas, lines or tags;
- NAMED: shorter values, numbers, dates and common words, only under a name of identity (`worker_id`).

Labs use ids such as `1` and `P01`, `max` and `test`: in most places these are data, and a rating of "4" must stay even
if someone's id is 4. Lengths are counted in UTF-8 bytes: a name of two Chinese characters is a name.
"""

import ipaddress
import re
from functools import cache, lru_cache

from psynetdata.psynet.tables import known_tables

ANYWHERE, TOKEN, WHOLE, NAMED, NEVER = "anywhere", "token", "whole", "named", "never"

# Texts that mean "no value".
_NOTHING = frozenset({"", "none", "null", "nan", "undefined", "-", "?", "???", "n/a", "na", "{}", "[]", '""'})
# Values of id and address columns that do not name anyone, and words that occur in any experiment's data.
_COMMON = """
    true false unknown anonymous anonym test tests testing tester test_user testuser debug demo example sample dummy
    generic local localhost sandbox live staging preview production development participant participants worker
    workerid assignment admin administrator root user users guest default dev prolific mturk lucid cint hotair bot bots
    psynet dallinger python dallinger_experiment experiment experimental removed address email phone subject consent
    yes no ok on off male female other control treatment condition chrome firefox safari edge english german french
    spanish italian desktop mobile tablet windows macos linux android iphone working submitted approved rejected
    returned abandoned replaced finish finished next start stop end begin left right center top bottom mean
    median sum count size width height step url uri path text label labels name names value values key keys list dict
    type class title prompt choice choices option options page index number string color colour sound image video
    audio url_audio time date year month day hour minute second seconds first last
    recruiter session study hit trial trials node network info asset assets data file files static cached csv json
    wav mp3 png jpg html xml zip password secret token question answer response none
"""
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d{1,4}(?=e))(e[+-]?\d{1,3})?|[+-]\d{1,9}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[\d:.,+tz _-]*|\d\d:\d\d(:\d\d(\.\d+)?)?")
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?")


@cache
def common_words() -> frozenset[str]:
    """Return words that are never replaced inside a text: placeholders, names of PsyNet's tables and columns."""
    tables = known_tables()
    names = {*tables, *(column for columns in tables.values() for column in columns)}
    return frozenset({*_COMMON.split(), *(name.casefold() for name in names)})


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
    if any(shape.fullmatch(text) for shape in (_NUMBER, _TIME, _VERSION)):
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or address.is_link_local


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
