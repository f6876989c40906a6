"""The cost of anonymizing: `python benchmarks/anonymize.py [--participants N] [--trials T] [--zip PATH]`.

CPU seconds for a database of N participants with T trials each (as in mirror.py; or PATH, an existing `database.zip`):
reading its rows, for comparison; finding its identifiers; and each level and option over all rows.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.mirror import make
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.rows.anonymizer import Anonymizer
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.rows.survey import Survey
from psynetdata.anonymize.text.pseudonyms import Pseudonyms, new_key
from psynetdata.psynet.csvtext import Row, without_null
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.table_source import ZipSource

BLOCK = 2_000  # rows
WAYS = {
    "shared": ("shared", Options()),
    "open": ("open", Options()),
    "shared, dates shifted": ("shared", Options(shift_dates=True)),
    "shared, without text": ("shared", Options(drop_text=True)),
}


class InMemory:
    """A source whose rows have already been read."""

    def __init__(self, source: ZipSource):
        self.tables, self.columns = source.tables, source.columns
        self.held = {table: list(source.rows(table)) for table in source.tables()}
        self.blocks = {table: list(_blocks(rows)) for table, rows in self.held.items()}

    def rows(self, table: str):
        return iter(self.held[table])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=100)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--zip", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-anonymize-") as name:
        measure(ZipSource(given.zip or make(Path(name), given.participants, given.trials)))


def measure(zipped: ZipSource) -> None:
    policy = Policy.load()
    source = timed("reading the rows", lambda: InMemory(zipped))
    print(f"  {sum(map(len, source.held.values()))} rows")
    found = timed("finding identifiers", lambda: collect(source, policy))
    timed("what is undecided", lambda: [_survey(source, Survey(policy))])
    people = timed("finding whose rows are whose", lambda: People.from_source(source))
    for name, (level, options) in WAYS.items():
        made = Anonymizer(
            policy=policy,
            pseudonyms=Pseudonyms(new_key()),
            identifiers=found,
            level=level,
            options=options,
            people=people,
        )
        timed(name, lambda made=made: _all_rows(source, made))


def _blocks(rows: list[Row]) -> Iterator[list[list[str]]]:
    return ([without_null(row) for row in rows[at : at + BLOCK]] for at in range(0, len(rows), BLOCK))


def _survey(source: InMemory, survey: Survey) -> None:
    for table in source.tables():
        survey.add_rows(table, source.columns(table), source.rows(table))


def _all_rows(source: InMemory, anonymizer: Anonymizer) -> None:
    for table in source.tables():
        changing = anonymizer.table(table, source.columns(table))
        for rows in source.blocks[table]:
            changing.block(rows)


def timed(what: str, do):
    start = process_time()
    done = do()
    print(f"{what}: {process_time() - start:.2f} s")
    return done


if __name__ == "__main__":
    main()
