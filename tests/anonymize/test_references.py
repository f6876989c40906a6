"""The four reference databases, against a brute-force search that shares no code with the anonymizer."""

import html
import json
import re
from datetime import datetime
from urllib.parse import unquote

import pytest

from psynetdata.psynet.tables import known_tables

from .conftest import DATABASES, Anonymized, reference

EMAIL = re.compile(r"[^\s@\"]+@[^\s@\"]+\.[a-z]{2,}", re.IGNORECASE)
ALL = [(name, level) for name in DATABASES for level in ("shared", "open")]


def forms(text: str) -> str:
    """The text as it is, with JSON escapes resolved and percent-decoded, all in lower case."""
    try:
        plain = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        plain = text
    return "\n".join((text, plain, unquote(text), unquote(unquote(plain)), html.unescape(plain))).casefold()


def secrets(found: Anonymized) -> set[str]:
    """What must not leave, gathered by hand from the columns that the field notes name."""
    values: set[str] = set()
    for row in found.before["participant"]:
        names = ("worker_id", "assignment_id", "unique_id", "hit_id", "fingerprint_hash", "page_uuid")
        values |= {row[name] for name in (*names, "client_ip_address") if row[name]}
    values |= {row["client_ip_address"] for row in found.before["response"] if row["client_ip_address"]}
    values |= {row["assignment_id"] for row in found.before["notification"]}
    for row in found.before["asset"]:
        values |= {row["secret"]} - {None}
        if row["trial_id"] or row["participant_id"] or row["personal"] == "t":
            names = ("host_path", "url", "export_path", "input_path", "key_within_module", "md5_contents", "content_id")
            values |= {row[name] for name in names} - {None}
            values |= {unquote(row["url"]), row["url"].rpartition("/")[2], row["host_path"].rpartition("/")[2]}
    for row in found.before["experiment_status"]:
        info = json.loads(row["extra_info"])
        values |= {info["secret"], info["basic_data_url"], "test_password", "test_admin"}
    return values - {"127.0.0.1"}


@pytest.mark.parametrize(("name", "level"), ALL)
def test_no_identifier_and_no_secret_leaves(references, name, level):
    found = references[name, level]
    looked_for = sorted(value.casefold() for value in secrets(found))
    assert len(looked_for) > 30
    for table, rows in found.after.items():
        for row in rows:
            text = forms("\n".join(cell for cell in row.values() if cell))
            each = text + "\n".join(forms(cell) for cell in row.values() if cell)
            assert [value for value in looked_for if value in each] == [], table


@pytest.mark.parametrize(("name", "level"), ALL)
def test_no_email_leaves(references, name, level):
    for rows in references[name, level].after.values():
        for row in rows:
            assert [cell for cell in row.values() if cell and EMAIL.search(forms(cell))] == []


def test_the_references_do_hold_what_is_searched_for(references):
    found = references["static_audio", "shared"]
    texts = "\n".join(forms(row["answer"] or "") for row in found.before["response"])
    assert EMAIL.search(texts)
    assert any(row["worker_id"] in texts for row in found.before["participant"])


@pytest.mark.parametrize("name", DATABASES)
def test_science_stays(references, name):
    found = references[name, "shared"]
    kept = ("definition", "score", "participant_id", "node_id", "type", "creation_time", "time_taken", "vars", "failed")
    for old, new in zip(found.before["info"], found.after["info"], strict=True):
        assert {column: old[column] for column in kept} == {column: new[column] for column in kept}
        assert (old["answer"] is None) == (new["answer"] is None)


def test_trials_without_recordings_are_untouched(references):
    for name in ("static", "timeline", "custom_table_simple"):
        assert references[name, "shared"].changes("info") == []


def test_trials_with_recordings_lose_the_url_alone(references):
    found = references["static_audio", "shared"]
    changes = found.changes("info")
    assert len(changes) == len(found.before["info"]) == 72
    for column, old, new in changes:
        assert column == "answer"
        assert json.loads(new) == json.loads(old) | {"url": "[removed]"}
        # Everything but the url is byte for byte what it was.
        assert old.replace(json.loads(old)["url"], "[removed]") == new


def test_only_free_text_of_responses_changes(references):
    found = references["timeline", "shared"]
    changed = {column for column, _, _ in found.changes("response")}
    assert changed == {"answer", "client_ip_address", "metadata_"}
    pairs = list(zip(found.before["response"], found.after["response"], strict=True))
    answers = {old["question"] for old, new in pairs if old["answer"] != new["answer"]}
    assert answers == {"message", "timed_push_button"}
    assert {old["question"] for old, new in pairs if old["metadata_"] != new["metadata_"]} == {"timed_push_button"}


def test_logs_of_events_count_from_the_first(references):
    found = references["timeline", "shared"]
    logs = [
        (json.loads(old["answer"]), json.loads(new["answer"]))
        for old, new in zip(found.before["response"], found.after["response"], strict=True)
        if old["question"] == "timed_push_button"
    ]
    assert logs
    for old, new in logs:
        first = datetime.fromisoformat(old[0]["localTime"])
        since = [round((datetime.fromisoformat(each["localTime"]) - first).total_seconds(), 3) for each in old]
        assert [each.pop("localTime") for each in new] == since
        assert new == [{key: value for key, value in each.items() if key != "localTime"} for each in old]


@pytest.mark.parametrize(("name", "level"), ALL)
def test_references_hold(references, name, level):
    found = references[name, level]
    people = {row["unique_id"]: row for row in found.after["participant"]}
    assert len(people) == len(found.before["participant"])
    for row in found.after["participant"]:
        assert row["unique_id"] == f"{row['worker_id']}:{row['assignment_id']}"
    for old, new in zip(found.before["request"], found.after["request"], strict=True):
        assert (old["unique_id"] is None) == (new["unique_id"] is None)
        assert new["unique_id"] is None or new["unique_id"] in people
    sessions = {row["assignment_id"] for row in found.after["participant"]}
    assert {row["assignment_id"] for row in found.after["notification"]} <= sessions


@pytest.mark.parametrize(("name", "level"), ALL)
def test_not_null_stays_not_null_and_empty_stays_empty(references, name, level):
    found = references[name, level]
    for table, rows in found.after.items():
        required = [column.name for column in known_tables().get(table, {}).values() if column.not_null]
        for row in rows:
            assert [column for column in required if row[column] is None] == []
    for old, new in zip(found.before["participant"], found.after["participant"], strict=True):
        assert (old["hit_id"] == "") == (new["hit_id"] == "")


@pytest.mark.parametrize(("name", "level"), ALL)
def test_withheld_columns_hold_nothing(references, name, level):
    found = references[name, level]
    for table, rows in found.after.items():
        for column in found.withheld[table]:
            assert {row[column] for row in rows} <= {None, "", "{}", "0", "f"}


def test_personal_assets_keep_their_row_only(references):
    found = references["static_audio", "shared"]
    assert len(found.identifiers.personal_assets) == 72
    stays = {"id", "type", "local_key", "module_id", "parent", "participant_id", "trial_id", "node_id", "network_id"}
    gone = {"host_path", "url", "export_path", "key_within_module", "key_within_experiment", "md5_contents"}
    gone |= {"content_id", "storage", "input_path", "secret"}
    for old, new in zip(found.before["asset"], found.after["asset"], strict=True):
        assert {name: new[name] for name in stays} == {name: old[name] for name in stays}
        assert new["vars"] in ("{}", '{"file_system_path": null}')
        if int(old["id"]) in found.identifiers.personal_assets:
            assert {new[name] for name in gone} == {None}
            assert new["size_mb"] == "0.01"
        else:
            assert (new["md5_contents"], new["host_path"]) == (old["md5_contents"], old["host_path"])
            assert (new["secret"], new["input_path"], new["storage"]) == (None, None, None)
            assert new["url"] == re.sub(r"(?<=secret=).*", "[removed]", old["url"])


def test_configuration_keeps_harmless_keys(references):
    found = references["static", "shared"]
    config = json.loads(found.after["experiment"][0]["vars"])
    assert config["psynet_version"] == "13.3.0"
    assert config["deployment_config"]["language"] == "en"
    assert config["deployment_config"]["docker_volumes"] is None
    assert config["deployment_config"]["id"] is None
    status = json.loads(found.after["experiment_status"][0]["extra_info"])
    assert (status["label"], status["secret"], status["folder_name"]) == ("Static experiment demo", None, None)


def test_nan_and_numbers_are_kept_as_text(references):
    found = references["timeline", "shared"]
    for old, new in zip(found.before["participant"], found.after["participant"], strict=True):
        assert "NaN" in old["vars"]
        assert re.findall(r"NaN|-?\d+\.\d+", old["vars"]) == re.findall(r"NaN|-?\d+\.\d+", new["vars"])


@pytest.mark.parametrize(("name", "level"), ALL)
def test_same_input_same_output(references, name, level):
    again = Anonymized(reference(name), level=level)
    assert again.after == references[name, level].after
    assert again.anonymizer.report() == references[name, level].anonymizer.report()
    assert again.identifiers.digest == references[name, level].identifiers.digest


@pytest.mark.parametrize(("name", "level"), ALL)
def test_report_is_json_without_identifiers(references, name, level):
    found = references[name, level]
    text = json.dumps(found.anonymizer.report()).casefold()
    assert [value for value in secrets(found) if value.casefold() in text] == []
    assert found.anonymizer.report()["tables"]["participant"]["rows"] == len(found.before["participant"])


def test_open_withholds_what_nobody_decided(references):
    found = references["static", "open"]
    assert {row["answer"] for row in found.after["info"]} == {None}
    assert {"answer", "definition"} <= found.withheld["info"]
    answers = {(row["question"], row["answer"]) for row in found.after["response"] if row["answer"]}
    assert answers == {("SuccessfulEndLogic", '"Finish"'), ("UnsuccessfulEndLogic", '"Finish"')}
