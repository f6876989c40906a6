"""What is a word of the experiment, on both sides: what the anonymizer keeps, the scan lets pass, and no more."""

import json
from collections.abc import Callable

import pytest

from exports.leakscan.needles.collection import collect
from exports.leakscan.needles.strength import STRONG
from tests.anonymize.conftest import Anonymized, Tables

from .lab import PROLIFIC, lab, passed, searched

LEVELS = ("shared", "open")
ATTACKER = "9"
SAID = [
    "CustomTrial",  # a class
    "frequency_gradient",  # a key
    "consonant",  # part of a module's name
    "stimulus_12",  # a label with a digit
    "practice",  # a network's role
    "harmonious",  # in a sentence of the design
    "some-value",  # a variable of the experiment
    "Strongly agree",  # a choice that several people took
    "welcome",  # on a page
    "generous",  # the group of several people
]
# What a visitor can do with a word: the rows that it makes.
SENT: dict[str, Callable[[str], dict[str, list[dict]]]] = {
    "a link in an answer": lambda word: answer(f"http://a.b/?token={word}&secret={word}&password={word}"),
    "a login in an answer": lambda word: answer(f"https://{word}:{word}@a.b/"),
    "an answer under a name of identity": lambda word: answer({"worker_id": word, "matrikelnummer": word}),
    "a message": lambda word: {"chat_message": [{"id": "9", "content": f"my password={word} and workerId={word}"}]},
    "a parameter": lambda word: request({"workerId": word, "PROLIFIC_PID": word}),
    "a referrer": lambda word: request({"referrer": f"https://a.b/c?secret={word}&userId={word}"}),
    "utm parameters": lambda word: request({"utm_source": "mail", "utm_id": word, "utm_content": f"?sid=1&pid={word}"}),
    "a JSON body": lambda word: request({"body": json.dumps({"assignmentId": word, "x": [{"token": word}]})}),
    "cookies": lambda word: request({"cookie": f"token={word}; userId={word}", "x": f"a=1;secret={word};pid={word}"}),
    "an error page": lambda word: {"error": [{"id": "9", "worker_id": word, "message": "?"}]},
    "entry information": lambda word: entered({"prolificPid": word, "name": word, "panel_code": word}),
}


def answer(value: object) -> dict[str, list[dict]]:
    return {"response": [{"id": "9", "participant_id": ATTACKER, "question": "q", "answer": json.dumps(value)}]}


def request(params: dict) -> dict[str, list[dict]]:
    return {"request": [{"id": "9", "params": json.dumps(params), "endpoint": "/ad"}]}


def entered(entry: dict) -> dict[str, list[dict]]:
    return {"participant": [person(ATTACKER, entry_information=json.dumps(entry))]}


def person(number: str, **cells: str) -> dict:
    return {"id": number, "worker_id": f"w-{number}-xyz1", "assignment_id": f"session-{number}-x", **cells}


def experiment(more: dict[str, list[dict]], **tables) -> Tables:
    """Four people, an experiment that says the words of SAID, and more rows."""
    shown = {"prompt": {"text": "<h1>Welcome to this page</h1>"}, "control": {"choices": ["Strongly agree", "No"]}}
    # What the design says, what four people were shown and answered, and the group of three.
    definition = {"frequency_gradient": 3, "name": "stimulus_12", "text": "A harmonious sound"}
    rows = {
        "participant": [person(str(n)) for n in range(1, 5)],
        "node": [{"id": "1", "degree": "0", "module_id": "consonant_main", "definition": json.dumps(definition)}],
        "network": [{"id": "1", "role": "practice"}],
        "experiment": [{"id": "1", "vars": json.dumps({"new_variable": "some-value", "title": "Study"})}],
        "info": [
            {"id": str(n), "participant_id": str(n), "type": "experiment.CustomTrial", "module_id": "consonant_main"}
            | {"definition": json.dumps(definition), "answer": '"Strongly agree"'}
            for n in range(1, 5)
        ],
        "response": [
            {"id": str(n), "participant_id": str(n), "question": "agreement", "answer": '"Strongly agree"'}
            | {"metadata_": json.dumps({"time_taken": n, **shown})}
            for n in range(1, 5)
        ],
        "module_state": [{"id": str(n), "participant_id": str(n), "participant_group": "generous"} for n in (1, 2, 3)],
    }
    return Tables(**together(rows, tables, more))


def theirs(after: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """The rows that the visitor of SENT did not make."""
    kept = {table: [row for row in rows if row["id"] != ATTACKER] for table, rows in after.items()}
    return {table: rows for table, rows in kept.items() if rows}


def together(*rows_by_table: dict[str, list[dict]]) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for each in rows_by_table:
        for table, some in each.items():
            rows[table] = [*rows.get(table, []), *some]
    return rows


@pytest.mark.parametrize("level", LEVELS)
def test_no_visitor_makes_an_id_of_what_the_experiment_says(tmp_path, level):
    without = passed(tmp_path, experiment({}), level)
    attack = together(*(send(word) for send in SENT.values() for word in SAID))
    assert theirs(passed(tmp_path, experiment(attack), level)) == theirs(without)


@pytest.mark.parametrize("way", SENT)
def test_what_a_visitor_sends_is_an_id_if_the_experiment_does_not_say_it(tmp_path, way):
    values = ["jonathan.miller", "hunterhunter", PROLIFIC, "abcd1234", "李雷雷"]
    mention = {"id": "8", "participant_id": "2", "question": "q", "answer": json.dumps(values)}
    source = experiment(together(*map(SENT[way], values)), response=[mention])
    left = str(theirs(passed(tmp_path, source)))
    assert [value for value in values if value in left] == []


def test_an_answer_of_two_people_is_not_yet_everybodys(tmp_path):
    answers = [{"id": f"{n}0", "participant_id": str(n), "answer": '"maria.lopez"'} for n in (1, 2)]
    after = passed(tmp_path, experiment(request({"workerId": "maria.lopez"}), response=answers))
    assert "maria" not in str(after)
    more = [*answers, {"id": "30", "participant_id": "3", "answer": '"maria.lopez"'}]
    after = passed(tmp_path, experiment(request({"workerId": "maria.lopez"}), response=more))
    assert [row["answer"] for row in after["response"][-3:]] == ['"maria.lopez"'] * 3


def test_a_link_that_a_page_shows_to_many_is_not_a_word_of_it(tmp_path):
    pages = [
        {"id": f"{n}0", "participant_id": str(n), "metadata_": json.dumps({"prompt": {"text": text}})}
        for n, text in enumerate(["password=sunshine", "workerId=jonathan", "Hello john.smith"] * 4, 1)
    ]
    sent = request({"workerId": "jonathan", "pid": "smith", "x": "?password=sunshine"})
    left = str(passed(tmp_path, experiment(sent, response=pages))["response"])
    assert not {word for word in ("sunshine", "jonathan") if word in left}


@pytest.mark.parametrize("value", [PROLIFIC, "A1B2C3D4E5F6G7", "0c115439-2337-324e-74c1-dcad3761dcd9", "a.b@mail.org"])
def test_what_has_the_shape_of_an_id_is_one_whoever_says_it(tmp_path, value):
    node = {"id": "2", "degree": "0", "definition": json.dumps({"name": value})}
    answers = [{"id": f"{n}0", "participant_id": str(n), "answer": json.dumps(value)} for n in range(1, 5)]
    after = passed(tmp_path, experiment(request({"workerId": value, "email": value}), response=answers, node=[node]))
    assert value not in str(after)


def test_a_secret_of_the_lab_is_one_although_its_own_rows_say_it(tmp_path):
    node = {"id": "2", "degree": "0", "definition": '{"url": "http://a.b/?token=lab-secret-words"}'}
    after = passed(tmp_path, experiment(answer("http://a.b/?token=lab-secret-words"), node=[node]))
    assert "lab-secret" not in str(after)


# Where one person's rows, or settings that code writes, can name a participant.
OWNED = {
    "a group": {"module_state": [{"id": "8", "participant_id": "2", "participant_group": "jonathan.miller"}]},
    "a module": {"module_state": [{"id": "8", "participant_id": "2", "module_id": "chat_jonathan.miller"}]},
    "a variable": {"experiment": [{"id": "8", "vars": '{"last_winner": "jonathan.miller"}'}]},
    "a title": {"experiment": [{"id": "8", "vars": '{"title": "A study with jonathan.miller"}'}]},
    "a key of a variable": {"experiment": [{"id": "8", "vars": '{"jonathan.miller": 3}'}]},
    "the status": {"experiment_status": [{"id": "8", "extra_info": '{"host": "jonathan.miller"}'}]},
    "a network": {"network": [{"id": "8", "participant_id": "2", "role": "jonathan.miller"}]},
    "a node": {"node": [{"id": "8", "parent_id": "1", "degree": "1", "definition": '{"by": "jonathan.miller"}'}]},
    "a block": {"info": [{"id": "8", "participant_id": "2", "block": "jonathan.miller"}]},
    "a question": {"response": [{"id": "8", "participant_id": "2", "question": "about jonathan.miller"}]},
    "a recording": {"asset": [{"id": "8", "trial_id": "2", "local_key": "jonathan.miller"}]},
    "an own table": {"pairs": [{"id": "8", "role": "jonathan.miller", "group_type": "jonathan.miller"}]},
    "a state": {"participant": [{"id": "8", "trial_status": "jonathan.miller"}]},
}

JOINED = {"participant": [person("7", worker_id="jonathan.miller")]}


@pytest.mark.parametrize("place", OWNED)
def test_what_one_persons_row_says_is_not_a_word_of_the_experiment(place):
    source = experiment(together(JOINED, OWNED[place]))
    assert "jonathan.miller" not in Anonymized(source).identifiers.public
    needles = collect(source)
    assert [needles.strength(each) for each in needles.items if each.value == "jonathan.miller"] == [STRONG]


@pytest.mark.parametrize("level", LEVELS)
def test_an_id_leaves_none_of_these_places(tmp_path, level):
    places = together(*OWNED.values())
    source = experiment(together(JOINED, places))
    assert "miller" not in str(passed(tmp_path, source, level))
    assert {finding.kind for finding in searched(tmp_path, source, places).findings} == {"worker_id"}


@pytest.mark.parametrize("group", ["dogs", "jonathan.miller"])
def test_what_the_design_or_several_people_have_as_a_label_is_a_word(tmp_path, group):
    people = [person(str(n), worker_id=group if n == 1 else f"worker-{n}-x") for n in range(1, 5)]
    states = [{"id": str(n), "participant_id": str(n), "participant_group": group} for n in (2, 3, 4)]
    after = passed(tmp_path, Tables(participant=people, module_state=states))
    assert [row["participant_group"] for row in after["module_state"]] == [group] * 3
    networks = [{"id": "1", "participant_group": group}]
    after = passed(tmp_path, Tables(participant=people, network=networks, module_state=states[:1]))
    assert after["module_state"][0]["participant_group"] == after["network"][0]["participant_group"] == group
    assert after["participant"][0]["worker_id"] != group


def test_labs_with_simple_ids_keep_their_data(tmp_path):
    workers = [*map(str, range(1, 31)), "P01", "dogs"]
    answers = [4, "17", {"rating": 30}]
    after = passed(tmp_path, lab(*workers, answers=answers))
    assert [json.loads(row["answer"]) for row in after["info"][:3]] == answers
