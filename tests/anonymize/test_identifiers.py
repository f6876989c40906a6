import json

import pytest

from psynetdata.anonymize.forms.strength import NAMED, strength
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy.rules import Policy, Rule

from .conftest import Anonymized, Tables

POLICY = Policy.load()
NEVER_JOINED = "60aaaabbbbccccddddeeeeff"


def kinds(**tables) -> dict[str, str]:
    return collect(Tables(**tables), POLICY).kinds


def test_people_of_every_table():
    found = kinds(
        participant=[{"id": "1", "worker_id": "w-00000001", "assignment_id": "a-00000001", "hit_id": "", "type": "x"}],
        error=[{"id": "1", "worker_id": "w-00000002"}],
        notification=[{"id": "1", "assignment_id": "a-00000003"}],
        lucid_rid=[{"id": "1", "rid": "rid-1234", "lucid_panelist_id": "panel-99"}],
        pet=[{"id": "1", "worker_id": "w-00000005"}],
    )
    assert found == {
        "w-00000001": "worker_id",
        "a-00000001": "assignment_id",
        "w-00000002": "worker_id",
        "a-00000003": "assignment_id",
        "rid-1234": "lucid",
        "panel-99": "lucid",
        "w-00000005": "worker_id",
    }


def test_people_who_never_joined_in_any_casing():
    params = {"PROLIFIC_PID": NEVER_JOINED, "workerId": "W-9", "x": {"Session-Id": "s-1234567"}, "RID": 12345678}
    found = kinds(request=[{"id": "1", "params": json.dumps(params)}])
    assert found == {NEVER_JOINED: "worker_id", "W-9": "worker_id", "s-1234567": "assignment_id", "12345678": "lucid"}


def test_an_id_in_json_in_a_string_of_json():
    for text in ('{"workerId": "W-9"}', '[{"workerId": "W-9"}]', json.dumps('{"workerId": "W-9"}')):
        assert kinds(request=[{"id": "1", "params": json.dumps({"context": text})}]) == {"W-9": "worker_id"}


def test_each_part_of_a_forwarded_list():
    found = kinds(response=[{"id": "1", "client_ip_address": "203.0.113.5, [2001:db8::9]:443, 198.51.100.2:8080"}])
    assert {"203.0.113.5", "2001:db8::9", "198.51.100.2"} <= set(found)


def test_nothing_is_nobody_and_placeholders_count_only_under_names_of_identity():
    row = {"worker_id": "None", "assignment_id": "unknown", "client_ip_address": "127.0.0.1", "hit_id": ""}
    found = kinds(participant=[{"id": "1", **row, "entry_information": '{"mode": "test"}'}])
    assert {value: strength(value) for value in found} == {"unknown": NAMED, "127.0.0.1": NAMED}


def test_entry_information_at_any_depth_without_what_all_share():
    rows = [
        {"id": str(n), "entry_information": json.dumps({"recruiter": "my-recruiter-2", "a": {"b": [f"secret-{n}x9"]}})}
        for n in range(4)
    ]
    assert kinds(participant=rows) == {f"secret-{n}x9": "entry" for n in range(4)}


def test_secrets_of_the_deployment():
    info = {"secret": "s3cr3t-uuid", "basic_data_url": "http://u:pass-1@h/basic_data?dashboard_password=pass-2222"}
    config = {"deployment_config": {"aws_secret_access_key": "AKIA/xyz", "smtp_username": "???", "language": "en"}}
    found = kinds(
        experiment_status=[{"id": "1", "extra_info": json.dumps(info)}],
        experiment=[{"id": "1", "vars": json.dumps(config)}],
    )
    assert found == dict.fromkeys(("s3cr3t-uuid", "pass-1", "pass-2222", "AKIA/xyz"), "secret")


def test_a_decision_makes_a_question_a_source_of_ids():
    decided = POLICY.extended([Rule("response", "answer", "student_no", "pseudonym", "drop", "worker_id", "staff")])
    tables = Tables(response=[{"id": "1", "question": "student_no", "answer": '"s1234567"'}])
    assert collect(tables, decided).kinds == {"s1234567": "worker_id"}
    assert collect(tables, POLICY).kinds == {}


@pytest.mark.parametrize(
    ("table", "column", "selector"),
    [("info", "details", "student_no"), ("participant", "details", "student_no"), ("info", "vars", "T/student_no")],
)
def test_a_decision_makes_a_key_a_source_of_ids(table, column, selector):
    """As the rows are anonymized: `vars` of a trial by class and key, `details` by key alone."""
    decided = POLICY.extended([Rule(table, column, selector, "pseudonym", "drop", "worker_id", "staff")])
    row = {"id": "1", "details": "{}", column: '{"student_no": "s1234567"}'}
    found = Anonymized(Tables(**{table: [row | {"type": "e.T"}], "coin": [{"note": "by s1234567"}]}), policy=decided)
    assert found.identifiers.kinds == {"s1234567": "worker_id"}
    assert "s1234567" not in str(found.after)


def asset(number: int, **cells: str) -> dict[str, str | None]:
    common = {"type": "psynet.asset.ExperimentAsset", "module_id": "m", "local_key": "plot", "personal": "f"}
    return {"id": str(number), **common, "host_path": f"folder/file-number-{number}.png", **cells}


def test_personal_assets_beyond_psynets_flag():
    nodes = [
        {"id": "1", "degree": "0"},
        {"id": "2", "degree": "1", "parent_id": "1"},
        {"id": "3", "degree": "0", "participant_id": "9"},
    ]
    assets = [
        asset(1, node_id="1"),
        asset(2, node_id="2"),
        asset(3, node_id="3"),
        asset(4, trial_id="7", node_id="1"),
        asset(5, participant_id="7"),
        asset(6, personal="t"),
        asset(7),
    ]
    tables = Tables(node=nodes, asset=assets, asset_participant=[{"asset_id": "7"}])
    assert collect(tables, POLICY).personal_assets == {2, 3, 4, 5, 6, 7}


def test_staff_may_call_assets_public_but_psynets_flag_holds():
    decided = POLICY.extended([Rule("asset", "*", "ExperimentAsset/m/plot", "keep", "keep", "file", "staff")])
    tables = Tables(asset=[asset(1, trial_id="1"), asset(2, trial_id="2", personal="t")])
    assert collect(tables, decided).personal_assets == {2}


def test_what_a_public_asset_has_too_is_no_identifier():
    empty = "d41d8cd98f00b204e9800998ecf8427e"
    tables = Tables(asset=[asset(1, trial_id="1", md5_contents=empty), asset(2, md5_contents=empty)])
    found = collect(tables, POLICY)
    assert empty not in found.kinds
    assert found.kinds["folder/file-number-1.png"] == "asset"


def test_digest_follows_the_set_and_repr_hides_it():
    first = Identifiers({"a-secret-id": "worker_id"}, frozenset({1}))
    assert first.digest == Identifiers({"a-secret-id": "worker_id"}, frozenset({1})).digest
    assert first.digest != Identifiers({"a-secret-id": "worker_id"}, frozenset()).digest
    assert first.digest != Identifiers({"a-secret-ie": "worker_id"}, frozenset({1})).digest
    assert "a-secret-id" not in repr(first)
