"""How widely a value can be looked for without false alarms.

strong  8 bytes or more; digits only: 10 or more. Found anywhere.
token   6 or 7 bytes; digits only: 6 to 9. Found as a whole token.
cell    3 to 5 bytes. Found as a whole cell or JSON string.
named   shorter ones, up to 5 digits, numbers, dates, common words, words of the experiment itself. Found as the
        value of a column or key whose name announces an identity.

A lab whose worker ids are 1 to 30 has only `named` ones: they are looked for in columns such as `worker_id`, not among
scores and counts, where 1 to 30 are ordinary values.
"""

import ipaddress
import re

from psynetdata.psynet.tables import known_tables

STRONG, TOKEN, CELL, NAMED = "strong", "token", "cell", "named"

# Not values at all: never looked for.
NOTHING = frozenset({"", "none", "null", "nan", "undefined", "n/a", "na", "-", "?", "???", "{}", "[]", '""'})

# Words that are normal in anyone's data, although a lab may have used one as an id.
_COMMON_WORDS = """
unknown test tester testing test_user testuser debug demo example sample dummy default admin administrator
root user guest worker worker_id workerid participant participant_id participants subject anonymous anonym
consent true false yes no ok on off male female other control experiment experimental treatment condition
local localhost live sandbox development production staging preview generic prolific mturk lucid cint hotair
bot bots psynet dallinger python chrome firefox safari edge english german french spanish italian
desktop mobile tablet windows macos linux android iphone working submitted approved rejected returned
abandoned did_not_attend bad_data overrecruited screened_out replaced approved finish finished next start
recruiter recruiters assignment assignment_id hit hit_id study session session_id unique_id response answer
question trial node network info asset text data file name password secret token assets static cached
url uri path label labels name names value values key keys list dict type class title prompt choice choices option
options page index number string color colour sound image video audio time date year month day hour minute second
seconds first last left right center top bottom stop end begin mean median sum count size width height step
dev users workerid test_users
csv json wav mp3 png jpg html xml zip /tmp /psynet-data /psynet-data/assets psynet-data/assets ~/psynet-data/assets
"""
_TABLES = known_tables()
# PsyNet's own names of tables and columns are keys and headers in every export.
COMMON = frozenset(
    {*_COMMON_WORDS.split(), *_TABLES, *(name.lower() for columns in _TABLES.values() for name in columns)}
)

# With a point, or short: 24 hexadecimal digits may happen to be digits with one e among them.
_NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d{1,4}(?=e))(e[+-]?\d{1,3})?|[+-]\d{1,9}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[\d:.,+tz _-]*|\d\d:\d\d(:\d\d(\.\d+)?)?")
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?")
_IP4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


def classify(value: str, *, public: bool = False) -> str:
    """Return the class of a value. `public`: it is also a word of the experiment, see Needles.strength."""
    text = value.strip().lower()
    size = len(value.encode("utf-8", "surrogatepass"))
    if public or text in COMMON or says_nothing(text) or size <= 2:
        return NAMED
    if text.isascii() and text.isdigit():
        return STRONG if len(text) >= 10 else TOKEN if len(text) >= 6 else NAMED
    return STRONG if size >= 8 else TOKEN if size >= 6 else CELL


def says_nothing(text: str) -> bool:
    """Return whether it is a decimal number, a date or time, a version, or this machine's own address."""
    if text.isdigit():
        return False
    if _IP4.fullmatch(text) or ":" in text:
        return _own_address(text) or bool(_TIME.fullmatch(text))
    return any(shape.fullmatch(text) for shape in (_NUMBER, _TIME, _VERSION))


def is_address(text: str) -> bool:
    """Return whether the text is an IPv4 address."""
    return bool(_IP4.fullmatch(text))


def looks_like_id(text: str) -> bool:
    """Return whether it mixes letters and digits or is an e-mail address: six characters or more, no number or time."""
    if len(text) < 6 or says_nothing(text.lower()) or text.lower() in COMMON:
        return False
    return "@" in text or (any(c.isdigit() for c in text) and any(c.isalpha() for c in text)) or len(text) >= 20


def _own_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified or address.is_link_local
