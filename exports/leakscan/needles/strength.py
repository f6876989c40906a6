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
from psynetdata.psynet.wordlists.exemptions import SCAN, exemptions

STRONG, TOKEN, CELL, NAMED = "strong", "token", "cell", "named"

# Not values at all: never looked for.
NOTHING = frozenset(exemptions("nothing", SCAN))
_TABLES = known_tables()
# PsyNet's own names of tables and columns are keys and headers in every export.
COMMON = frozenset(
    {*exemptions("word", SCAN), *_TABLES, *(name.lower() for columns in _TABLES.values() for name in columns)}
)
_SHAPES = [re.compile(pattern) for pattern in exemptions("shape", SCAN)]
_OWN_NETWORKS = [ipaddress.ip_network(network) for network in exemptions("network", SCAN)]
_RECRUITERS = (
    re.compile("[0-9a-f]{24}", re.I),  # Prolific
    re.compile(r"A(?=[A-Z]*\d)[A-Z0-9]{12,14}|3[A-Z0-9]{29}", re.I),  # MTurk: a worker, a HIT or an assignment
    re.compile("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I),
    re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]{2,}"),
)
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
    is_own = (":" in text or is_address(text)) and _own_address(text)
    return is_own or any(shape.fullmatch(text) for shape in _SHAPES)


def is_address(text: str) -> bool:
    """Return whether the text is an IPv4 address."""
    return bool(_IP4.fullmatch(text))


def is_recruiters(text: str) -> bool:
    """Return whether it is like an id of Prolific or MTurk, a UUID or an e-mail address, which nothing else is."""
    return any(shape.fullmatch(text.strip()) for shape in _RECRUITERS)


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
    return any(address in network for network in _OWN_NETWORKS)
