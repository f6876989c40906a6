"""What the anonymizer lets out passes the scan, whatever a lab calls its people; and data that are no ids survive.

The two share no code, so each list of names, each strength and each form must be settled the same way twice.
"""

import html
import json
from urllib.parse import quote

import pytest

from .lab import DEFINITION, PROLIFIC, lab, passed


@pytest.mark.parametrize("level", ["shared", "open"])
@pytest.mark.parametrize(
    "worker",
    [
        *("josé+test@uni-köln.de", "100%sure of it", 'he said "hi"', "back\\slash\\id", "<i>tag</i>&amp;"),
        *("🦊🦊🦊🦊", "李雷", "İstanbul_user", "x" * 300, " leading ", "line\nbreak_id", "tab\tid_x", "o'neil,comma"),
        *("anna", "P01", "k3j9x2", "lab001", "123456", "1234567890", "A1B2C3D4E5F6G7", "anna maria schmidt"),
        "0c115439-2337-324e-74c1-dcad3761dcd9",
    ],
)
def test_no_form_of_an_id_is_left_over(tmp_path, worker, level):
    text = f"see {worker} here"
    deep = worker
    for _ in range(7):
        deep = json.dumps({"in": deep})
    answers = [
        worker,
        worker.upper(),
        f"我的编号是{worker}，谢谢",
        f"<b>{worker}</b>",
        f"a,{worker},b",
        {
            "url": f"http://h/?id={quote(worker)}&x=1",
            "twice": quote(quote(text)),
            "html": f"<p>{html.escape(text)}</p>",
        },
        {"worker_id": worker, worker: 1, "deep": deep, "query": f"workerId={quote(worker)}"},
        '{"broken": ' + json.dumps(text),
        worker.replace("-", ""),
        worker.replace(" ", "+"),
    ]
    error = {"id": "1", "worker_id": worker, "message": text, "traceback": text}
    asset = {"id": "1", "personal": "f", "local_key": f"take_{worker}", "description": text}
    passed(tmp_path, lab(worker, "w-other-1", answers=answers, error=[error], asset=[asset]), level)


def test_an_id_in_the_name_of_a_class_and_of_a_module(tmp_path):
    rows = [{"id": "1", "type": f"experiment.Trial_{PROLIFIC}", "module_id": f"m_{PROLIFIC}", "block": PROLIFIC}]
    after = passed(tmp_path, lab(PROLIFIC, info=rows))
    assert after["info"][0]["type"].startswith("experiment.Trial_p_")


def test_ids_that_are_numbers_cost_no_rating(tmp_path):
    """Ratings are strings of digits in PsyNet (a button's label)."""
    answers = ["4", 4, {"rating": "3", "n": 12}, "3.14", ["1", "2"], 123456.5]
    after = passed(tmp_path, lab(*"1234", "3.14", "-5", "12", answers=answers))
    assert [json.loads(row["answer"]) for row in after["info"][: len(answers)]] == answers


def test_ids_that_are_words_of_the_experiment_cost_no_data(tmp_path):
    after = passed(tmp_path, lab("dogs", "red", "max", "StaticNode", "static", "test", "admin", "unknown", "animal"))
    assert [json.loads(row["definition"]) for row in after["info"]] == [DEFINITION] * 4
    assert after["node"][0]["type"] == "psynet.trial.static.StaticNode"


def test_what_one_person_typed_is_theirs(tmp_path):
    after = passed(tmp_path, lab("anna", "tom", answers=["anna"]))
    assert json.loads(after["info"][0]["answer"]).startswith("p_")


def test_small_and_common_ids_go_under_names_of_identity(tmp_path):
    answers = [
        {"worker_id": 4, "PROLIFIC_PID": "test", "my_session_id": "1", "grid": 4, "rapid": 4},
        "?workerId=4&x=4",
        "worker_id: 4",
        json.dumps({"unique_id": "test"}),
    ]
    after = passed(tmp_path, lab("4", "test", "1", answers=answers))
    first = json.loads(after["info"][0]["answer"])
    assert (first["grid"], first["rapid"]) == (4, 4)
    assert first["worker_id"].startswith("p_")


def test_ids_that_people_gave_under_a_key(tmp_path):
    values = {"pid": 3, "subject_id": "S01", "user_id": "u-77-x", "email": "weekly", "ip_address": "10.1.2.3"}
    people = [{"id": "1", "worker_id": PROLIFIC, "vars": json.dumps(values | {"n": 3})}]
    after = passed(tmp_path, lab(participant=people, answers=["see http://x.y/?worker_id=abc12&q=1"]))
    assert json.loads(after["participant"][0]["vars"])["n"] == 3


@pytest.mark.parametrize(
    "text",
    [
        *(
            "price 5@10.50 or 3@2",
            "write a@b.c1 now",
            "a@b.com_x",
            "我的邮箱user1@gmail.com谢谢",
            "müller@uni-köln.de!",
        ),
        *("my password=hunter2 and token=abcdef1", "secret=keeping it", "http://ann:hunter22@host.org/x"),
        *("user%40mail.org", "1@2.3.4"),
    ],
)
def test_what_looks_like_an_address_or_a_secret(tmp_path, text):
    passed(tmp_path, lab(PROLIFIC, answers=[text], chat_message=[{"id": "1", "content": text}]))


def test_text_around_an_address_survives(tmp_path):
    after = passed(tmp_path, lab(PROLIFIC, response=[{"id": "1", "answer": '"我的邮箱user1@gmail.com谢谢"'}]))
    assert json.loads(after["response"][0]["answer"]).startswith("我的邮箱[email]")


def test_what_a_recruiter_hands_over_of_groups_is_no_id(tmp_path):
    people = [
        {"id": str(n), "worker_id": f"worker-{n}", "vars": "{}"}
        | {"entry_information": json.dumps({"campaign_name": "summer", "country_code": "DEU", "panel_code": f"AB0{n}"})}
        for n in range(1, 5)
    ]
    answers = ["summer", "in the summer", "DEU", "AB01"]
    after = passed(tmp_path, lab(participant=people, answers=answers))
    assert [json.loads(row["answer"]) for row in after["info"][:3]] == answers[:3]


def test_storage_and_links_of_public_stimuli(tmp_path):
    storage = {"py/object": "psynet.asset.S3Storage", "s3_bucket": "lab", "root": "experiments"}
    url = "https://lab.s3.amazonaws.com/experiments/fox.png"
    assets = [
        {"id": "1", "personal": "f", "storage": json.dumps(storage), "url": url},
        {"id": "2", "personal": "f", "url": f"{url}?token=abcdefSECRET1"},
        {"id": "3", "personal": "t", "trial_id": "1", "export_path": "rec/take_1.wav", "url": "/static/take_1.wav"},
    ]
    after = passed(tmp_path, lab(PROLIFIC, asset=assets, answers=[{"plays": "take_1.wav"}]))
    assert after["asset"][0]["url"] == url
    assert after["asset"][1]["url"] == f"{url}?token=[removed]"


def test_an_experimenters_own_table(tmp_path):
    rows = [
        {"id": "1", "worker_id": PROLIFIC, "prolific_id": PROLIFIC, "session_id": "7", "email": "p@clinic.org"}
        | {"note": f"see {PROLIFIC} or p@clinic.org", "is_good": "t", "number": "12", "colour": "red"}
    ]
    row = passed(tmp_path, lab(PROLIFIC, visits=rows))["visits"][0]
    assert (row["session_id"], row["is_good"], row["number"], row["colour"]) == ("7", "t", "12", "red")
    assert row["worker_id"] == row["prolific_id"]


def test_a_time_in_milliseconds_is_no_id_of_ten_digits(tmp_path):
    answers = [{"times": [1763800000123, 11763800000], "f": 0.1763800000, "g": 1763800000.5}]
    after = passed(tmp_path, lab("1763800000", answers=[*answers, [1763800000]]))
    assert json.loads(after["info"][0]["answer"]) == answers[0]
    assert json.loads(after["info"][1]["answer"])[0].startswith("p_")
