"""What PostgreSQL's COPY writes of a sheet is, byte for byte in CSV and value for value in NDJSON, what Python does."""

import json

import pytest
from django.db import connections

from psynetdata.faces import ANONYMOUS, IDENTIFIED, reading
from psynetdata.sheets import Catalogue
from psynetdata.sheets.output import postgres_copy, text_blocks

from .test_sheets import mirrored  # noqa: F401 - pytest finds it here

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]

ODD = [
    *(
        None,
        "",
        '"yes"',
        '"a \\"b\\" \\\\ \\n \\u00e9 \\ud83d\\ude00"',
        "é 😀",
        "plain, text",
        'say "hi"',
        "two\nlines",
    ),
    *('"never closed', '"a"b"', '"tab\tinside"', "true", "false", "null", "3", "-0.5", "007", '"x" ', "\\.", "'", "%s"),
]
OBJECTS = ['{"a": 1}', "[1, NaN]", '{"a": ', '"\\ud800"', '"\\u0000"', " 3", "1e5", "NaN"]


@pytest.fixture(autouse=True)
def _on_postgres():
    if connections[IDENTIFIED].vendor != "postgresql":
        pytest.skip("COPY is PostgreSQL's")


def compared(sheet) -> tuple[bool, bool]:
    """Whether it went by COPY as CSV, and as NDJSON."""
    by_copy, lines = postgres_copy.csv(sheet), postgres_copy.ndjson(sheet)
    if by_copy is not None:
        assert b"".join(by_copy) == b"".join(text_blocks.csv(sheet.header, sheet.records()))
    if lines is not None:
        found = [json.loads(line) for line in b"".join(lines).splitlines()]
        assert found == [json.loads(text_blocks.json_text(row)) for row in sheet.rows()]
    return by_copy is not None, lines is not None


@pytest.mark.parametrize("face", [IDENTIFIED, ANONYMOUS])
def test_sheets_of_a_real_experiment(loaded, face):
    catalogue = Catalogue(loaded("static_audio"), face)
    by_copy = set()
    with reading(face):
        for name in catalogue.names():
            whole = catalogue.sheet(name)
            for column in whole.header:
                if any(compared(catalogue.sheet(name, fields=["class", column]))):
                    by_copy.add(f"{name}.{column}")
        fields = [
            "id",
            "creation_time",
            "failed",
            "answer",
            "participant_id",
            "score",
            "is_bot",
            "participant_worker_id",
        ]
        asked = {"id__gt": ["3"], "participant_worker_id__isnull": ["false"]}
        assert compared(catalogue.sheet("trial", fields=fields, filters=asked, order=["-creation_time"]))[0]
    assert {
        "trial.answer",
        "trial.creation_time",
        "trial.is_bot",
        "trial.origin_id",
        "participant.worker_id",
    } <= by_copy
    assert "participant.vars" in by_copy


def test_odd_texts(mirrored):  # noqa: F811
    names = ["id", "answer", "trial_maker_id", "contents", "score", "creation_time", "failed"]
    texts = [[str(n), text, text, text, "1.5", "2026-01-02 03:04:05", "t"] for n, text in enumerate(ODD)]
    catalogue = mirrored(info=[names, *texts])
    with reading(IDENTIFIED):
        assert compared(catalogue.sheet("trial", fields=names)) == (True, False)  # `contents` is in no field of ours
        assert compared(catalogue.sheet("trial", fields=["id", "score", "creation_time", "failed"])) == (True, True)
        assert compared(catalogue.sheet("trial", fields=["id", "answer"])) == (True, False)  # a quote never closed


def test_what_only_python_can_say_is_left_to_it(mirrored):  # noqa: F811
    rows = [[str(number), text, "NaN", "infinity"] for number, text in enumerate(OBJECTS)]
    catalogue = mirrored(info=[["id", "answer", "score", "creation_time"], *rows])
    with reading(IDENTIFIED):
        assert compared(catalogue.sheet("trial", fields=["id", "answer"])) == (True, False)
        assert compared(catalogue.sheet("trial", fields=["id", "score"])) == (False, False)
        assert compared(catalogue.sheet("trial", fields=["id", "creation_time"])) == (False, False)


def test_a_copy_that_is_left_ends_and_the_connection_serves_the_next(loaded):
    catalogue = Catalogue(loaded("static"), ANONYMOUS)
    for _ in range(2):
        with reading(ANONYMOUS):
            blocks = postgres_copy.csv(catalogue.sheet("trial", fields=["id"]))
            assert next(blocks) == b"id\n"
            blocks.close()
        with reading(ANONYMOUS):
            assert catalogue.sheet("trial").total() == 130
