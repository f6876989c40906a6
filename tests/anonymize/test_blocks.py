"""Rows leave alike in blocks of any size, and the counts are equal too."""

import json

import pytest

from psynetdata.anonymize.policy.rules import Policy, Rule
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
def test_a_row_leaves_alike_in_any_block(name, level, options):
    same(reference(name), level, options)


def test_an_empty_text_is_not_null():
    people = [
        {"id": "1", "worker_id": "", "vars": "", "type": ""},
        {"id": "2", "worker_id": "5f3a9c0b7e2d418899aa01bc", "vars": '{"a": ""}'},
        {"id": "3", "vars": "{}", "answer": ""},
    ]
    told = [{"id": "1", "question": "", "answer": '"x"'}, {"id": "2", "question": "age", "answer": ""}]
    pets = [{"id": "1", "owner": "", "note": "5f3a9c0b7e2d418899aa01bc"}, {"id": "2", "note": ""}]
    same(Tables(participant=people, response=told, pet=pets), "shared", Options())


def test_a_log_in_a_copied_answer_leaves_as_in_the_answer():
    log = [{"localTime": "2025-07-29T14:50:04.301Z", "n": 1}]
    policy = Policy.load().extended([Rule("response", "answer", "logged", "numbers", "numbers", "choice", "x")])
    tables = Tables(
        participant=[{"id": "1", "answer_accumulators": json.dumps([{"logged": log}]), "details": "{}"}],
        response=[{"id": "10", "participant_id": "1", "question": "logged", "answer": json.dumps(log)}],
    )
    found = Anonymized(tables, policy=policy)
    answer = json.loads(found.after["response"][0]["answer"])
    assert answer == [{"localTime": "[text]", "n": 1}]
    assert json.loads(found.after["participant"][0]["answer_accumulators"]) == [{"logged": answer}]


def same(source, level, options):
    found = Anonymized(source, level=level, options=options)
    again = Anonymized(source, level=level, options=options).anonymizer
    for table in source.tables():
        columns = source.columns(table)
        made = again.table(table, columns)
        rows = [without_null(row) for row in source.rows(table)]
        left = [leaving for row in rows for leaving in made.block([row])]
        names = [column.name for column in columns]
        assert [dict(zip(names, with_null(row), strict=True)) for row in left] == found.after[table], table
        tally = made.take_tally()
        one = next(each for each in found.anonymizer._tables if each.table == table).take_tally()
        assert tally == one
