"""What the anonymizer makes of known databases, as digests on record in golden.json.

`python -m tests.anonymize.golden` records them again. It refuses to if output changed, but neither the ruleset's
version nor the policy did.
"""

import hashlib
import json
import sys
from pathlib import Path

from psynetdata.anonymize import ruleset
from psynetdata.anonymize.policy.rules import Policy
from tests.budget import NIGHTLY
from tests.leakscan import planted_database

from .conftest import DATABASES, Anonymized, Tables, reference

FILE = Path(__file__).with_name("golden.json")
LEVELS = ("shared", "open")
# {"static shared": {table: digest of its rows as they come out}}
Outputs = dict[str, dict[str, str]]


def digests(anonymized: Anonymized) -> dict[str, str]:
    """By table; those without rows are left out."""
    return {
        table: hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
        for table, rows in anonymized.after.items()
        if rows
    }


def planted_source() -> Tables:
    """Identifiers of every kind in every written form, in every text column."""
    tables = {table: (header, rows) for table, (header, *rows) in planted_database.tables().items()}
    return Tables(
        **{table: [dict(zip(header, row, strict=True)) for row in rows] for table, (header, rows) in tables.items()}
    )


def outputs(references: dict[tuple[str, str], Anonymized]) -> Outputs:
    made = {f"{name} {level}": digests(anonymized) for (name, level), anonymized in references.items()}
    if NIGHTLY:  # the planted database is a larger one then
        return made
    return made | {f"planted {level}": digests(Anonymized(planted_source(), level=level)) for level in LEVELS}


def rules() -> dict[str, str]:
    """What is part of the name of every anonymous face: the version of the code, and the policy's hash."""
    return {"ruleset": ruleset.VERSION, "policy": Policy.load().sha256}


def changed(found: Outputs, recorded: Outputs) -> list[str]:
    """The tables that come out otherwise, like "static shared: info"."""
    names = sorted(found.keys() | recorded.keys())
    pairs = [(name, found.get(name, {}), recorded.get(name, {})) for name in names]
    return [
        f"{name}: {table}"
        for name, new, old in pairs
        for table in sorted(new.keys() | old.keys())
        if new.get(table) != old.get(table)
    ]


def main() -> str | None:
    made = outputs({(name, level): Anonymized(reference(name), level=level) for name in DATABASES for level in LEVELS})
    recorded = json.loads(FILE.read_text()) if FILE.exists() else {"outputs": {}}
    if rules().items() <= recorded.items() and (tables := changed(made, recorded["outputs"])):
        return f"Output changed ({', '.join(tables[:5])}): raise VERSION in psynetdata/anonymize/ruleset.py first."
    FILE.write_text(json.dumps({**rules(), "outputs": made}, indent=1, sort_keys=True) + "\n")
    return None


if __name__ == "__main__":
    sys.exit(main())
