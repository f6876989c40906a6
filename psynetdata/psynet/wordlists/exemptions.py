"""Values that identify nobody although they may be somebody's id: exemptions.csv.

Each line has a kind of exemption, a value, the side that uses it (`scrub`: the anonymizer, `scan`: the leak scan, or
`both`) and a reason. A value that only the scrub exempts can block an export, one that only the scan exempts can hide
a leak; so a line for one side needs a reason that says why.

| kind | what it exempts |
|---|---|
| `nothing` | texts that mean "no value": never searched for |
| `word` | words, which are searched for only under names of identity; so are names of PsyNet's tables and columns |
| `shape` | whole texts that match a pattern, in lower case: searched for only under names of identity |
| `network` | network addresses in these ranges: as words |
| `hash` | hashes of empty data: never searched for |
| `people` | number of participants who make a text nobody's, because they have it in common |
| `rows` | number of participants in whose rows an identifier may be replaced before the report warns |
| `label_length` | longest text in characters that can be a name of a group or a condition |
| `login_length` | shortest user or password of a link in bytes that is a secret |
| `own_table_digits` | longest number in digits that is not an id by itself in an experimenter's own table |
"""

import csv
from functools import cache
from pathlib import Path

SCRUB, SCAN, BOTH = "scrub", "scan", "both"
KINDS = (
    *("nothing", "word", "shape", "network", "hash"),
    *("people", "rows", "label_length", "login_length", "own_table_digits"),
)


@cache
def exemptions(kind: str, side: str) -> tuple[str, ...]:
    """Return the values of a kind that one side uses, in the order of the file."""
    return tuple(line["value"] for line in lines() if line["kind"] == kind and line["side"] in (side, BOTH))


def limit(kind: str, side: str) -> int:
    """Return the one number of a kind. Raises ValueError if the file has none or several for this side."""
    (value,) = exemptions(kind, side)
    return int(value)


@cache
def lines() -> tuple[dict[str, str], ...]:
    """Return all lines. Raises ValueError if the kind or the side of one does not exist."""
    with Path(__file__).with_name("exemptions.csv").open(newline="", encoding="utf-8") as file:
        found = tuple(csv.DictReader(file))
    for line in found:
        if line["kind"] not in KINDS or line["side"] not in (SCRUB, SCAN, BOTH):
            raise ValueError(f"exemptions.csv has a line of an unknown kind or side: {line}")
    return found
