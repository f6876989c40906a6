"""What a report says about the identifiers that were replaced most: kinds and counts, never values."""

import json

from psynetdata.anonymize.rows.tally import Tally, added

from .conftest import Anonymized, Tables

PROLIFIC = "5f3e9a1b2c4d5e6f7a8b9c0d"


def lab(word: str, mentions: int) -> Tables:
    """Eight people; one joined as `word`, which the first few write in a sentence."""
    people = [{"id": str(n), "worker_id": word if n == 8 else f"worker-{n}-x"} for n in range(1, 9)]
    answers = [
        {"id": str(n), "participant_id": str(n), "question": "q", "answer": json.dumps(f"I like {word} and {n}")}
        for n in range(1, mentions + 1)
    ]
    return Tables(participant=people, response=[*answers, {"id": "99", "answer": '"by worker-1-x"'}])


def test_a_word_in_many_peoples_rows_is_counted_and_warned_of():
    report = Anonymized(lab("mellifluous", 6)).anonymizer.report()
    assert report["replaced_most"] == [
        {"kind": "worker_id", "cells": 6, "participants": 6},
        {"kind": "worker_id", "cells": 1, "participants": 0},
    ]
    (warning,) = report["warnings"]
    assert "kind worker_id" in warning
    assert "the rows of 6 participants" in warning
    assert "mellifluous" not in json.dumps(report)


def test_a_few_peoples_rows_and_ids_that_no_word_is_like_are_no_warning():
    for word, mentions in (("mellifluous", 5), (PROLIFIC, 8)):
        report = Anonymized(lab(word, mentions)).anonymizer.report()
        assert report["replaced_most"][0] == {"kind": "worker_id", "cells": mentions, "participants": mentions}
        assert report["warnings"] == []


def test_columns_of_ids_and_withheld_cells_are_not_counted():
    people = [{"id": "1", "worker_id": "worker-1-x", "unique_id": "worker-1-x:s-1-x", "assignment_id": "s-1-x"}]
    report = Anonymized(Tables(participant=people, error=[{"id": "1", "token": "worker-1-x"}])).anonymizer.report()
    assert report["replaced_most"] == []


def test_counts_of_several_processes_are_added():
    found = Anonymized(lab("mellifluous", 6))
    columns = found.source.columns("response")
    tallies: list[Tally] = []
    for row in found.source.rows("response"):
        table = found.anonymizer.table("response", columns)
        table.block([["" if cell is None else cell for cell in row]])
        tallies.append(table.take_tally())
    (total,) = added(tallies)
    assert (total.replaced["mellifluous"], len(total.people["mellifluous"])) == (6, 6)


def test_the_reference_databases_have_no_warning(references):
    found = {name: each.anonymizer.report()["warnings"] for name, each in references.items()}
    assert [name for name, warnings in found.items() if warnings] == []
