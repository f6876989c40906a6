"""Where identifiers and secrets are looked for in the raw tables."""

import json

import pytest

from exports.leakscan.needles.collection import collect
from exports.leakscan.needles.credentials import passwords
from exports.leakscan.needles.needle import Needle, Needles
from psynetdata.psynet.table_source import ZipSource

from .samples import DATA, Rows


def kinds(source) -> dict[str, str]:
    return {needle.value: needle.kind for needle in collect(source).items}


PERSON = {
    "id": "1",
    "worker_id": "149d439536b3216fdaeeb975",
    "assignment_id": "729fae923d5a4fd12aabfe22",
    "unique_id": "149d439536b3216fdaeeb975:729fae923d5a4fd12aabfe22",
    "hit_id": "a4c123b1612dd272d1371c17",
    "fingerprint_hash": "9d2bdd5d942f464cb385382a3fa99fbc",
    "client_ip_address": "203.0.113.10, 198.51.100.7:4711",
    "page_uuid": "833fc197-32a4-721b-6a34-9ace4df4eda4",
    "entry_information": json.dumps({"PROLIFIC_PID": "P-1", "deep": [{"panel": {"SurveyRef": "QX71-55aa"}}], "n": 1}),
}


def test_a_participant_gives_each_identifier_its_kind():
    assert kinds(Rows(participant=[PERSON])) == {
        "149d439536b3216fdaeeb975": "worker_id",
        "729fae923d5a4fd12aabfe22": "assignment_id",
        "149d439536b3216fdaeeb975:729fae923d5a4fd12aabfe22": "unique_id",
        "a4c123b1612dd272d1371c17": "hit_id",
        "9d2bdd5d942f464cb385382a3fa99fbc": "fingerprint_hash",
        "203.0.113.10": "client_ip_address",
        "198.51.100.7": "client_ip_address",
        "833fc197-32a4-721b-6a34-9ace4df4eda4": "page_uuid",
        "P-1": "entry_information",
        "QX71-55aa": "entry_information",
    }


def test_a_unique_id_gives_the_two_ids_that_it_is_made_of():
    found = kinds(Rows(participant=[{"id": "1", "unique_id": "wrkr-0001:asg-0001"}]))
    assert found == {"wrkr-0001:asg-0001": "unique_id", "wrkr-0001": "worker_id", "asg-0001": "assignment_id"}


def test_entry_information_that_names_nobody_is_no_identifier():
    shared = {"lang": "en", "consent": "true", "arm": "control", "release": "build-2026a", "date": "2026-11-22"}
    people = [{"id": str(n), "entry_information": json.dumps(shared)} for n in range(2)]
    assert kinds(Rows(participant=people)) == {}


def test_each_address_in_entry_information():
    entry = json.dumps({"client_ip": "203.0.113.10, 198.51.100.7:4711"})
    found = kinds(Rows(participant=[{"id": "1", "entry_information": entry}]))
    assert found == dict.fromkeys(["203.0.113.10", "198.51.100.7"], "client_ip_address")


@pytest.mark.parametrize(
    "key", ["worker_id", "workerId", "PROLIFIC_PID", "assignmentId", "hit_id", "SESSION_ID", "STUDY_ID", "RID"]
)
def test_people_who_never_joined_are_known_from_their_requests(key):
    found = kinds(Rows(request=[{"id": "1", "params": json.dumps({key: "5f3a99c2", "page": "2"})}]))
    assert list(found) == ["5f3a99c2"]


def test_ids_in_the_address_of_a_request_and_in_query_strings():
    found = kinds(
        Rows(
            request=[
                {"id": "1", "endpoint": "/participant/wrkr-0001/hit-77/asg-99/debug"},
                {"id": "2", "params": json.dumps({"referrer": "https://lab.org/ad?workerId=wrkr-0002&x=1"})},
            ]
        )
    )
    assert found == {"wrkr-0001": "worker_id", "hit-77": "hit_id", "asg-99": "assignment_id", "wrkr-0002": "worker_id"}


def test_other_tables_that_name_people():
    found = kinds(
        Rows(
            error=[{"worker_id": "err-worker-1"}],
            notification=[{"assignment_id": "note-assign-1"}],
            lucid_rid=[{"rid": "rid-00001", "lucid_panelist_id": "pan-00001", "lucid_respondent_id": "resp-0001"}],
            lucid_submissions=[
                {"response": json.dumps({"result": [{"respondent_id": "sub-00001", "code": "c0de77"}]})}
            ],
            response=[{"client_ip_address": "2001:db8::7"}],
            coin=[{"id": "1", "worker_id": "own-table-1"}],
        )
    )
    expected = {
        "err-worker-1",
        "note-assign-1",
        "rid-00001",
        "pan-00001",
        "resp-0001",
        "sub-00001",
        "c0de77",
        "own-table-1",
    }
    assert set(found) == expected | {"2001:db8::7", "2001:0db8:0000:0000:0000:0000:0000:0007"}


def test_mail_addresses_that_people_typed():
    found = kinds(
        Rows(
            response=[{"answer": json.dumps("write to zoë.k+x@mail.example.org, please")}],
            participant=[{"vars": json.dumps({"note": ["a@b.co"]})}],
            chat_message=[{"content": "me@there.net!"}],
            coin=[{"remark": "x.y@coin.io"}],
            experiment=[{"vars": json.dumps({"deployment_config": {"contact_email_on_error": "lab@uni.edu"}})}],
        )
    )
    assert found == dict.fromkeys(["zoë.k+x@mail.example.org", "a@b.co", "me@there.net", "x.y@coin.io"], "email")


def test_secrets_wherever_they_stand():
    url = "http://lab.org/basic_data?dashboard_user=ada_the_first&dashboard_password=p%40ss-word-77"
    found = kinds(
        Rows(
            experiment_status=[{"extra_info": json.dumps({"basic_data_url": url, "secret": "411d5a19-e51e-4c19"})}],
            experiment=[
                {"vars": json.dumps({"deployment_config": {"openai_api_key": "sk-123abc456def", "n_tokens": 5}})}
            ],
            asset=[{"id": "1", "secret": "59ffe9fd-5883-41f9"}],
            node=[{"id": "1", "definition": json.dumps({"source": "ftp://carol:s3same-open@files.org/x"})}],
            response=[{"metadata_": json.dumps({"url": "/on-demand-asset?id=4&secret=aa11-bb22-cc33"})}],
        )
    )
    secrets = {"ada_the_first", "p%40ss-word-77", "p@ss-word-77", "411d5a19-e51e-4c19", "sk-123abc456def"}
    secrets |= {"59ffe9fd-5883-41f9", "carol", "s3same-open", "aa11-bb22-cc33"}
    assert found == dict.fromkeys(secrets, "secret")


def test_places_where_a_password_stands_are_named_without_it():
    url = "http://lab.org/basic_data?dashboard_user=ada&dashboard_password=p%40ss-word-77"
    config = {"deployment_config": {"smtp_password": "hunter22", "server": "ftp://carol:s3same@files.org", "n": 5}}
    rows = Rows(
        experiment_status=[{"extra_info": json.dumps({"basic_data_url": url, "note": "the password is secret"})}],
        experiment=[{"vars": json.dumps(config)}],
        participant=[{"vars": json.dumps({"password": "mine"})}],
    )
    assert passwords(rows) == [
        ("experiment", "vars", "smtp_password"),
        ("experiment", "vars", "server"),
        ("experiment_status", "extra_info", "basic_data_url"),
    ]
    assert passwords(Rows(experiment=[{"vars": '{"label": "x"}'}])) == []


def asset(number: int, **cells: str) -> dict[str, str]:
    path = f"experiments/exp__mode%3Ddebug/rec_{number}__2c51341e{number}.wav"
    return {"id": str(number), "url": f"/static/assets/{path}", "content_id": f"{number}" * 32, **cells}


@pytest.mark.parametrize(
    "cells",
    [
        {"personal": "t"},
        {"trial_id": "7"},
        {"participant_id": "7"},
        {"parent": '{"py/object": "psynet.participant.Participant", "identifiers": {"id": 7}}'},
        {"parent": '{"py/object": "dallinger_experiment.experiment.CustomTrial", "identifiers": {"id": 7}}'},
        {"node_id": "2"},
    ],
)
def test_an_asset_is_personal_by_its_flag_its_parent_or_its_node(cells):
    nodes = [{"id": "1", "parent_id": None}, {"id": "2", "parent_id": "1"}]
    found = kinds(Rows(asset=[asset(1, **cells), asset(2, node_id="1", personal="f")], node=nodes))
    assert found == dict.fromkeys(
        [
            "/static/assets/experiments/exp__mode%3Ddebug/rec_1__2c51341e1.wav",
            "/static/assets/experiments/exp__mode=debug/rec_1__2c51341e1.wav",
            "rec_1__2c51341e1.wav",
            "1" * 32,
        ],
        "personal_asset",
    )


def test_what_a_public_asset_holds_too_is_no_identifier():
    found = collect(Rows(asset=[asset(1, personal="t", content_id="ab" * 16), asset(2, content_id="ab" * 16)]))
    assert "ab" * 16 not in {needle.value for needle in found.items}
    assert found.set_aside["personal_asset"] == 1


def test_folders_of_the_server():
    found = kinds(
        Rows(
            asset=[
                {"id": "1", "vars": '{"file_system_path": "/home/ada/x/a.wav"}', "storage": '{"root": "/home/ada/x"}'}
            ]
        )
    )
    assert found == {"/home/ada/x/a.wav": "server_path", "/home/ada/x": "server_path"}


def test_nothing_and_hashes_of_nothing_are_ignored():
    needles = Needles()
    for value in ("", None, "None", "null", " ", "d41d8cd98f00b204e9800998ecf8427e"):
        needles.add(value, "worker_id")
    assert needles.items == []


def test_withheld_texts_need_twelve_characters_and_may_be_spared():
    needles = Needles()
    needles.withhold(
        [
            "too short",
            "I live next to the harbour",
            "2026-11-22 07:58:54.1",
            "3.14159265358979",
            "Not at all <kbd>A</kbd>",
        ]
    )
    needles.spare(["Not at all <kbd>A</kbd>"])
    assert [needle.value for needle in needles.items] == ["I live next to the harbour"]


def test_no_repr_holds_a_value():
    needles = Needles()
    needles.add("149d439536b3216f", "worker_id")
    assert "149d" not in f"{needles!r} {needles} {needles.items!r} {needles.items[0]} {Needle('149d', 'x')!r}"


@pytest.mark.parametrize("name", ["static", "static_audio", "timeline", "custom_table_simple"])
def test_the_reference_databases_give_every_participant(name):
    source = ZipSource(DATA / name / "database.zip")
    names = [column.name for column in source.columns("participant")]
    ids = {row[names.index("worker_id")] for row in source.rows("participant")}
    assert ids <= {value for value, kind in kinds(source).items() if kind == "worker_id"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("149d439536b3216fdaeeb975", "strong"),
        ("1234567890", "strong"),
        ("149439536321600000001e12", "strong"),
        ("123456", "token"),
        ("k3j9x2", "token"),
        ("P01", "cell"),
        ("1", "named"),
        ("12345", "named"),
        ("debug", "named"),
        ("127.0.0.1", "named"),
        ("0.30990560200007167", "named"),
    ],
)
def test_strength(value, expected):
    assert Needles().strength(Needle(value, "worker_id")) == expected


def test_a_word_of_the_experiment_is_looked_for_only_under_names_of_identity():
    needles = collect(
        Rows(
            participant=[{"id": "1", "worker_id": "banana-group"}, {"id": "2", "worker_id": "kiwi-group"}],
            network=[{"id": "1", "participant_group": "banana-group"}],
        )
    )
    assert {needle.value: needles.strength(needle) for needle in needles.items} == {
        "banana-group": "named",
        "kiwi-group": "strong",
    }
