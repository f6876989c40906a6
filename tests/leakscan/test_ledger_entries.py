"""The scan's own entries of a ledger bring back every value to look for."""

import pytest

from exports.leakscan.needles.collection import collect
from exports.leakscan.needles.ledger_entries import NeedleReader
from exports.leakscan.needles.strength import NAMED, STRONG
from psynetdata.psynet import csvtext
from psynetdata.psynet.table_source import ZipSource
from tests.references import DATA, REFERENCES

from .samples import Rows


def entries(source) -> dict[tuple[str, ...], str]:
    reader = NeedleReader()
    for table in sorted(source.tables(), key=lambda name: (name != "node", name)):
        records = [csvtext.format_row(row) for row in source.rows(table)]
        if records:
            reader.read(table, [column.name for column in source.columns(table)], records)
    reader.close()
    return reader.entries


def values(needles) -> set[str]:
    return {needle.value for needle in needles.items}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_moment_adds_nothing_to_its_own_ledger_and_comes_back_from_it(name):
    source = ZipSource(DATA / name / "database.zip")
    alone, ledger = collect(source), entries(source)
    assert values(collect(source, ledger=ledger)) == values(alone)
    lasting = {needle.value for needle in alone.items if needle.kind != "page_uuid"}
    assert values(collect(Rows(participant=[]), ledger=ledger)) >= lasting
    assert not {entry for entry in ledger if "page_uuid" in entry}


def test_a_value_that_others_hold_at_another_time_names_nobody():
    def people(*numbers: int) -> Rows:
        return Rows(
            participant=[{"id": str(each), "entry_information": '{"token": "a-shared-word"}'} for each in numbers]
        )

    assert "a-shared-word" in values(collect(people(1), ledger=entries(people(1))))
    assert "a-shared-word" not in values(collect(people(1), ledger=entries(people(2))))


def test_an_entry_names_the_person_whose_row_it_was_in():
    found = entries(
        Rows(
            participant=[
                {"id": "3", "worker_id": "visitor-from-afar-77", "entry_information": '{"token": "of-three"}'}
            ],
            response=[{"id": "1", "participant_id": "4", "answer": '"me@there.example"'}],
            asset=[{"id": "9", "participant_id": "4", "host_path": "take/12345678901.wav", "personal": "t"}],
            notification=[{"id": "1", "assignment_id": "a-session-12"}],
        )
    )
    owners = {value: owner for entry, owner in found.items() for value in entry[1:]}
    assert owners["visitor-from-afar-77"] == owners["of-three"] == "3"
    assert owners["me@there.example"] == owners["take/12345678901.wav"] == "4"
    assert owners["a-session-12"] == ""


PASSED_ON = {"id": "2", "entry_information": '{"prolificPid": "imitation", "workerId": "jonathan.miller"}'}
JOINED = {"id": "3", "worker_id": "jonathan.miller"}


def test_words_of_the_experiment_are_spared_if_they_were_sent_at_another_time_and_ids_are_not():
    sent, sure = entries(Rows(participant=[PASSED_ON])), entries(Rows(participant=[JOINED]))
    moment = Rows(experiment=[{"id": "1", "vars": '{"a": "imitation", "b": "jonathan.miller"}'}])

    def strengths(ledger) -> dict[str, str]:
        needles = collect(moment, ledger=ledger)
        return {needle.value: needles.strength(needle) for needle in needles.items}

    assert strengths(sent) == {"imitation": NAMED, "jonathan.miller": NAMED}
    for ledger in (sent | sure, sure | sent):
        assert strengths(ledger) == {"imitation": NAMED, "jonathan.miller": STRONG}


def test_what_was_sent_first_and_is_an_id_later_is_an_id():
    both = entries(Rows(participant=[PASSED_ON, JOINED]))
    assert {entry[1]: entry[0] for entry in both} == {"imitation": "typed", "jonathan.miller": "value"}
