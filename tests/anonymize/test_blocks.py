"""By the block or row by row: the same rows leave, and the same is counted."""

import pytest

from psynetdata.anonymize.rows.options import Options
from psynetdata.psynet.csvtext import with_null, without_null

from .conftest import DATABASES, Anonymized, Tables, reference

OPTIONS = [
    ("shared", Options()),
    ("open", Options()),
    ("shared", Options(drop_text=True, shift_dates=True, coarsen="day")),
]


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize(("level", "options"), OPTIONS, ids=["shared", "open", "less"])
def test_a_block_leaves_as_its_rows_do(name, level, options):
    same(reference(name), level, options)


def test_empty_texts_are_no_null():
    people = [
        {"id": "1", "worker_id": "", "vars": "", "type": ""},
        {"id": "2", "worker_id": "5f3a9c0b7e2d418899aa01bc", "vars": '{"a": ""}'},
        {"id": "3", "vars": "{}", "answer": ""},
    ]
    told = [{"id": "1", "question": "", "answer": '"x"'}, {"id": "2", "question": "age", "answer": ""}]
    pets = [{"id": "1", "owner": "", "note": "5f3a9c0b7e2d418899aa01bc"}, {"id": "2", "note": ""}]
    same(Tables(participant=people, response=told, pet=pets), "shared", Options())


def same(source, level, options):
    found = Anonymized(source, level=level, options=options)
    again = Anonymized(source, level=level, options=options).anonymizer
    for table in source.tables():
        columns = source.columns(table)
        made = again.table(table, columns)
        left = made.block([without_null(row) for row in source.rows(table)])
        names = [column.name for column in columns]
        assert [dict(zip(names, with_null(row), strict=True)) for row in left] == found.after[table], table
        tally = made.take_tally()
        one = next(each for each in found.anonymizer._tables if each.table == table).take_tally()
        assert (tally.rows, tally.changes, tally.undecided) == (one.rows, one.changes, one.undecided)
