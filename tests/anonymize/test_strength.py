import pytest

from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, strength
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.policy.rules import Policy

from .conftest import Tables


@pytest.mark.parametrize(
    ("value", "sure"),
    [
        ("5f3e9a1b2c4d5e6f7a8b9c0d", ANYWHERE),
        ("Maximilian", ANYWHERE),
        ("🦊🦊", ANYWHERE),
        ("1234567890", ANYWHERE),
        ("k3j9x2", TOKEN),
        ("李雷", TOKEN),
        ("123456", TOKEN),
        ("anna", WHOLE),
        ("P01", WHOLE),
        ("Jo", NAMED),
        ("12345", NAMED),
        ("3.14", NAMED),
        ("-5", NAMED),
        ("2026-11-22", NAMED),
        ("127.0.0.1", NAMED),
        ("test", NAMED),
        ("worker_id", NAMED),
        ("None", NEVER),
        (" ", NEVER),
    ],
)
def test_strength(value, sure):
    assert strength(value) == sure


def public(*workers: str, **tables) -> frozenset[str]:
    people = [{"id": str(n), "worker_id": worker} for n, worker in enumerate(workers)]
    return collect(Tables(participant=people, **tables), Policy.load()).public


def test_words_of_stimuli_labels_and_code_are_public():
    nodes = [
        {"id": "1", "type": "psynet.trial.static.StaticNode", "definition": '{"animal": "Dogs"}', "block": "training"},
        {"id": "2", "module_id": "calibration_two"},
    ]
    workers = ("dogs", "animal", "StaticNode", "training", "calibration", "anna", "trainings")
    assert public(*workers, node=nodes) == {"dogs", "animal", "StaticNode", "training", "calibration"}


def test_what_people_made_is_not():
    nodes = [
        {"id": "1", "parent_id": "7", "definition": '"anna"'},
        {"id": "2", "participant_id": "7", "seed": '"anna"'},
        {"id": "3", "definition": '{"worker_id": "anna"}'},
    ]
    assert public("anna", node=nodes) == frozenset()


def test_an_id_with_digits_is_public_nowhere():
    nodes = [{"id": "1", "type": "x.Trial_a1b2c3d4", "definition": '"a1b2c3d4"', "module_id": "m_ab12cd"}]
    assert public("a1b2c3d4", "ab12cd", node=nodes) == frozenset()


@pytest.mark.parametrize(("people", "words"), [(2, set()), (3, {"red"})])
def test_what_several_people_gave_points_to_none(people, words):
    answers = [{"id": str(n), "participant_id": str(n), "answer": '"red"'} for n in range(people)]
    answers += [{"id": "9", "participant_id": "1", "answer": '"Maximilian"'} for _ in range(4)]
    assert public("red", "Maximilian", response=answers) == words
