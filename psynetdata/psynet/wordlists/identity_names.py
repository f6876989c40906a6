"""Names of columns, keys and parameters whose values identify a person: identity_names.csv.

Names are in snake case there; programs write them in any casing (`workerId`, `PROLIFIC_PID`). `kind` is a kind of the
anonymizer (psynetdata.anonymize.identifiers, KINDS). The scope of a line is

- `anywhere`: the name says identity wherever it is;
- `handed_over`: only in what a recruiter passes on: elsewhere it is a key of data;
- `ending`: any key of entry information that ends like this may name a person or a session.
"""

import csv
from functools import cache
from pathlib import Path

ANYWHERE, HANDED_OVER, ENDING = "anywhere", "handed_over", "ending"


@cache
def identity_names(scope: str) -> dict[str, str]:
    """Return {name in snake case: kind} of one scope, in the order of the file."""
    return {line["name"]: line["kind"] for line in lines() if line["scope"] == scope}


@cache
def lines() -> tuple[dict[str, str], ...]:
    """Return all lines. Raises ValueError if the scope of one does not exist."""
    with Path(__file__).with_name("identity_names.csv").open(newline="", encoding="utf-8") as file:
        found = tuple(csv.DictReader(file))
    for line in found:
        if line["scope"] not in (ANYWHERE, HANDED_OVER, ENDING):
            raise ValueError(f"identity_names.csv has a line of an unknown scope: {line}")
    return found
