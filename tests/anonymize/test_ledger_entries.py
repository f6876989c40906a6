"""A ledger's entries bring back every identifier of the rows they came from, and rules apply on top of them."""

import json

import pytest

from psynetdata.anonymize.identifiers.collection import collect, in_order
from psynetdata.anonymize.identifiers.ledger_entries import LedgerReader, rules_digest
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.psynet.table_source import TableSource, ZipSource

from .conftest import DATA, DATABASES, Tables

POLICY = Policy.load()
IDS = Rule("response", "answer", "student", "pseudonym", "pseudonym", "worker_id", "decided")
ASKED = Tables(response=[{"id": "1", "participant_id": "7", "question": "student", "answer": '"s1234567"'}])


def entries(source: TableSource, policy: Policy = POLICY) -> dict[tuple[str, ...], str]:
    reader = LedgerReader(policy)
    for table in in_order(source.tables()):
        reader.read(table, [column.name for column in source.columns(table)], source.rows(table))
    return reader.entries


@pytest.mark.parametrize("name", DATABASES)
def test_a_moment_adds_nothing_to_its_own_ledger_and_comes_back_from_it(name):
    source = ZipSource(DATA / name / "database.zip")
    alone, ledger = collect(source, POLICY), entries(source)
    assert collect(source, POLICY, ledger) == alone
    later = collect(Tables(participant=[]), POLICY, ledger)
    lasting = {value for value, kind in alone.kinds.items() if kind != "page_token"}
    assert lasting <= later.kinds.keys() < alone.kinds.keys()  # the passwords of open pages are of the moment only
    assert later.personal_assets == alone.personal_assets


def test_an_entry_names_the_person_whose_row_it_was_in():
    people = [{"id": "3", "worker_id": "visitor-from-afar-77"}]
    answers = [{"id": "1", "participant_id": "4", "question": "mail", "answer": '"me@there.example"'}]
    found = entries(Tables(participant=people, response=answers, notification=[{"assignment_id": "a-session-12"}]))
    owners = {entry[1]: owner for entry, owner in found.items()}
    assert owners["visitor-from-afar-77"] == "3"
    assert owners["me@there.example"] == "4"
    assert owners["a-session-12"] == ""


def test_what_a_recruiter_passed_on_counts_by_people_not_by_versions_of_their_rows():
    def person(number: int, **passed_on) -> dict[str, str]:
        return {"id": str(number), "entry_information": json.dumps(passed_on)}

    first = entries(Tables(participant=[person(1, token="word-of-one"), person(2, token="a-shared-word")]))
    again = entries(Tables(participant=[person(1, token="word-of-one", new="x"), person(3, token="a-shared-word")]))
    kinds = collect(Tables(participant=[]), POLICY, first | again).kinds
    assert kinds.get("word-of-one") == "entry"
    # Three people in all, and two of them have it: it is the word of a group.
    assert collect(Tables(participant=[]), POLICY, first).kinds.get("a-shared-word") == "entry"
    assert "a-shared-word" not in kinds


def test_what_a_decision_made_an_identifier_is_one_while_the_decision_holds():
    decided = POLICY.extended([IDS])
    ledger = entries(ASKED, decided)
    assert collect(Tables(participant=[]), decided, ledger).kinds == {"s1234567": "worker_id"}
    assert collect(Tables(participant=[]), POLICY, ledger).kinds == {}
    assert entries(ASKED) == {}
    assert rules_digest(decided) != rules_digest(POLICY)
    other = Rule("response", "answer", "age", "keep", "keep", "number", "decided")
    assert rules_digest(POLICY.extended([other])) == rules_digest(POLICY)


def test_an_asset_that_becomes_personal_was_always_personal():
    row = {"id": "5", "type": "psynet.asset.Asset", "host_path": "assets/a/the-long-name-of-a-clip.wav"}
    row |= {"local_key": "clip", "module_id": "here"}
    before = Tables(asset=[row | {"personal": "f"}])
    ledger = entries(Tables(asset=[row | {"personal": "f", "participant_id": "3"}]))
    assert not collect(before, POLICY).kinds
    found = collect(before, POLICY, ledger)
    assert found.personal_assets == {5}
    assert "the-long-name-of-a-clip" in found.kinds
    public = POLICY.extended([Rule("asset", "*", "Asset/here/clip", "keep", "keep", "file", "decided")])
    assert not collect(before, public, ledger).kinds


def test_words_of_the_experiment_are_spared_if_they_were_typed_at_another_time_and_ids_are_not():
    """A variable makes a word of what a visitor sent, and never of the id of a participant."""
    sent = json.dumps("http://a.b/?token=imitation&secret=jonathan.miller")
    typed = entries(Tables(response=[{"id": "1", "participant_id": "4", "answer": sent}]))
    sure = entries(Tables(participant=[{"id": "3", "worker_id": "jonathan.miller"}]))
    moment = Tables(experiment=[{"id": "1", "vars": json.dumps({"a": "imitation", "b": "jonathan.miller"})}])
    assert collect(moment, POLICY, typed).public == {"imitation", "jonathan.miller"}
    for ledger in (typed | sure, sure | typed):
        assert collect(moment, POLICY, ledger).public == {"imitation"}
