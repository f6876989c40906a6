"""What can be asked for beyond the level: less text, other times, numbers."""

import json
from datetime import datetime, timedelta

import pytest

from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.policy import rounding
from psynetdata.anonymize.rows import event_log
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.text.numbered_pseudonyms import NumberedPseudonyms, to_number
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.tables import known_tables

from .conftest import DATABASES, KEY, Anonymized, Tables, reference


def times_of(table: str) -> list[str]:
    return [name for name, column in known_tables().get(table, {}).items() if column.type == "timestamp"]


@pytest.mark.parametrize("name", DATABASES)
def test_shifted_times_keep_order_and_intervals_within_a_participant_over_all_tables(name):
    found = Anonymized(reference(name), options=Options(shift_dates=True))
    unique = {row["unique_id"]: row["id"] for row in found.before["participant"]}
    session = {row["assignment_id"]: row["id"] for row in found.before["participant"]}
    of_trial = {row["id"]: row["participant_id"] for row in found.before["info"]}
    shifts: dict[str, set[timedelta]] = {}
    for table, rows in found.before.items():
        for old, new in zip(rows, found.after[table], strict=True):
            own = old["id"] if table == "participant" else old.get("participant_id")
            person = own or unique.get(old.get("unique_id")) or session.get(old.get("assignment_id"))
            person = person or of_trial.get(old.get("trial_id"))
            names = times_of(table) or [key for key in old if key == "creation_time"]
            for column in names:
                if old[column] is None:
                    assert new[column] is None
                elif person:
                    moments = datetime.fromisoformat(old[column]), datetime.fromisoformat(new[column])
                    shifts.setdefault(person, set()).add(moments[0] - moments[1])
                    assert old[column][10:] == new[column][10:]
                else:
                    assert new[column] == f"{old[column][:4]}-01-01 00:00:00"
    assert shifts.keys() == {row["id"] for row in found.before["participant"]}
    assert all(len(each) == 1 for each in shifts.values())
    days = [each.pop() / timedelta(days=1) for each in shifts.values()]
    assert all(1 <= day <= 364 and day == int(day) for day in days)
    assert len(set(days)) > len(days) // 2
    again = Anonymized(reference(name), options=Options(shift_dates=True))
    assert again.after == found.after


def test_times_that_psynet_writes_into_text_shift_alike_and_stimuli_keep_theirs():
    began = '{"__loop__loop_start_time": "2026-11-22T08:12:51.470413", "born": "1990-02-03"}'
    tables = Tables(
        participant=[{"id": "1", "creation_time": "2026-11-22 08:12:49.21", "vars": began, "details": "{}"}],
        info=[{"id": "5", "participant_id": "1", "definition": '{"seen": "2020-01-01 10:00"}', "details": "{}"}],
        visit=[{"id": "2", "participant_id": "1", "at": "2026-11-22 09:00:00", "note": "at 2026-11-22 09:00"}],
    )
    found = Anonymized(tables, options=Options(shift_dates=True))
    person = found.after["participant"][0]
    day = person["creation_time"][:10]
    assert day != "2026-11-22"
    assert person["vars"] == began.replace("2026-11-22", day)
    assert found.after["visit"][0]["at"] == f"{day} 09:00:00"
    assert found.after["info"][0]["definition"] == '{"seen": "2020-01-01 10:00"}'


def test_the_day_is_what_stays():
    tables = Tables(
        participant=[{"id": "1", "creation_time": "2026-11-22 08:12:49.21", "details": "{}"}],
        lucid_status=[{"id": "1", "last_complete_date": "2026-11-22 08:12:49.21+00", "details": "{}"}],
        network=[{"id": "1", "creation_time": "2026-11-22 07:00:01", "details": "{}"}],
    )
    found = Anonymized(tables, options=Options(coarsen="day"))
    assert found.after["participant"][0]["creation_time"] == "2026-11-22 00:00:00"
    assert found.after["network"][0]["creation_time"] == "2026-11-22 00:00:00"
    assert found.after["lucid_status"][0]["last_complete_date"] == "2026-11-22 00:00:00+00"
    both = Anonymized(tables, options=Options(coarsen="day", shift_dates=True)).after["participant"][0]
    assert both["creation_time"].endswith(" 00:00:00")
    assert both["creation_time"][:10] != "2026-11-22"


def test_without_text_numbers_stay():
    answers = ['"it was me"', "0.53", "[1, 2.5]", '{"rt": 412, "said": "hello there"}', "true", "null"]
    tables = Tables(
        response=[{"id": str(n), "question": "own", "answer": each} for n, each in enumerate(answers)],
        info=[{"id": "1", "type": "e.T", "answer": '{"score": 3, "why": "because"}', "details": "{}"}],
        participant=[{"id": "1", "answer": '"it was me"', "vars": '{"mood": "fine", "n": 3}', "details": "{}"}],
        chat_message=[{"id": "1", "content": "hello", "details": "{}"}],
    )
    found = Anonymized(tables, options=Options(drop_text=True))
    left = [row["answer"] for row in found.after["response"]]
    assert left == [None, "0.53", "[1, 2.5]", '{"rt": 412, "said": "[text]"}', "true", None]
    assert found.after["info"][0]["answer"] == '{"score": 3, "why": "[text]"}'
    person = found.after["participant"][0]
    assert (person["answer"], person["vars"]) == (None, '{"mood": "[text]", "n": 3}')
    assert found.after["chat_message"][0]["content"] is None
    assert found.anonymizer.report()["policy"] == Anonymized(tables).anonymizer.report()["policy"]


def test_numbers_are_words_of_their_own_and_join():
    kinds = {"P07": "worker_id", "s-1": "assignment_id", "P07:s-1": "unique_id", "1.2.3.4": "address"}
    wanted = to_number(Identifiers(kinds), Pseudonyms(KEY))
    assert {value: name for value, (_, name) in wanted.items()} == {"P07": "participant", "s-1": "session"}
    names = NumberedPseudonyms(KEY, {"P07": "participant_n0001", "s-1": "session_n0001"})
    assert names.pseudonym("P07:s-1") == "participant_n0001:session_n0001"
    assert names.pseudonym("unknown") == Pseudonyms(KEY).pseudonym("unknown")


@pytest.mark.parametrize("wrong", [{"pseudonyms": "letters"}, {"coarsen": "hour"}, {"drop_text": "yes"}])
def test_what_does_not_exist_is_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Options(**wrong)


@pytest.mark.parametrize(
    ("full", "told"),
    [
        ("Chrome 119.0.0.0 on OS X 10.15.7 64-bit", "Chrome on macOS, not mobile"),
        ("Safari 16.5 on Apple iPhone (iOS 16.5)", "Safari on iOS, mobile"),
        ("Chrome Mobile 120.0 on Samsung Galaxy S10 (Android 12)", "Chrome on Android, mobile"),
        (
            '"Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0"',
            '"Edge on Windows, not mobile"',
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox on Linux, not mobile"),
        ("Zo's own", "another browser on another system, not mobile"),
        ("Browser platform info could not be retrieved.", "Browser platform info could not be retrieved."),
    ],
)
def test_browsers_tell_their_family(full, told):
    assert rounding.browser(full) == told


def test_a_browser_is_told_alike_in_both_places():
    full = "Chrome 119.0.6045.199 on Windows 10 64-bit"
    tables = Tables(
        participant=[{"id": "1", "browser_platform": full, "details": "{}"}],
        response=[{"id": "1", "question": "q", "metadata_": json.dumps({"platform": full, "time_taken": 1.5})}],
    )
    for level in ("shared", "open"):
        found = Anonymized(tables, level=level)
        told = found.after["participant"][0]["browser_platform"]
        assert told == "Chrome on Windows, not mobile"
        assert json.loads(found.after["response"][0]["metadata_"]) == {"platform": told, "time_taken": 1.5}


def test_a_log_inside_of_a_string_is_one_too():
    log = [{"localTime": "2025-07-29T14:50:04.301Z"}, {"localTime": "2025-07-29T14:50:05.367Z"}]
    inside = json.dumps({"a": json.dumps(log)})
    assert json.loads(json.loads(event_log.logs(inside))["a"]) == [{"localTime": 0.0}, {"localTime": 1.066}]
    assert event_log.logs('{"localTime": "noon"}') == '{"localTime": "noon"}'
