"""An anonymous face that follows is, row for row, the face that is filled from scratch; and it costs the change."""

import json
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connections

from psynetdata.anonymize.face import deployment_anonymizer
from psynetdata.anonymize.face.identifier_cache import NoLedger
from psynetdata.anonymize.identifiers.collection import collect
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.anonymize.rows.anonymizer import Anonymizer
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import PreparedRows, Transform, prepare, refresh, scratch
from psynetdata.models import (
    TYPED_MODELS,
    Asset,
    Deployment,
    IdentifierPart,
    KnownIdentifiers,
    MirroredTable,
    Record,
    Response,
)
from psynetdata.psynet.problems import Cancelled
from tests.budget import rounds
from tests.mirror.live_experiment import History, Live, Plain

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]
NEWCOMER = "visitor-from-elsewhere-77"


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="a-launch", clock_offset=0)


@pytest.fixture
def live():
    """Twelve people with an answer each; someone typed the id of someone who is yet to join."""
    live = Live()
    for number in range(12):
        live.put("participant", type="psynet.participant.Participant", worker_id=f"worker-number-{number}")
        live.put("response", participant_id=str(number + 1), question="animal", answer='"cats"')
    live.put("response", participant_id="1", question="comment", answer=json.dumps(f"I know {NEWCOMER}"))
    live.put(
        "asset", type="psynet.asset.ExperimentAsset", personal="f", host_path="assets/a/the-long-name-of-a-clip.wav"
    )
    return live


def follow(deployment, live):
    filling = deployment_anonymizer.FaceAnonymizer(deployment, live, NoLedger())
    with TemporaryDirectory() as folder:
        prepared = PreparedRows(Path(folder))
        prepare(ANONYMOUS, deployment, live, filling, prepared)
        refresh(ANONYMOUS, deployment, live, filling, prepared=prepared)
    filling.tidy()
    return filling


def everything(face):
    """All that a face shows, without the numbers that it gives its rows."""
    rows = set()
    for model in (*TYPED_MODELS.values(), Record):
        for row in model.objects.using(face).values():
            row.pop("key")
            rows.add((model.__name__, json.dumps(row, default=str, sort_keys=True)))
    return rows


def classes(face):
    """({(table, class): rows} as the face tells, as it is)"""
    told, there = {}, {}
    for row in MirroredTable.objects.using(face):
        told |= {(row.table, name): count for name, count in row.classes.items()}
    for table, model in (*TYPED_MODELS.items(), (None, Record)):
        for row in model.objects.using(face):
            at = table or row.table, row.class_name
            there[at] = there.get(at, 0) + 1
    return told, there


def from_scratch(deployment, live):
    source, policy = Plain(live), Policy.load()
    names = Pseudonyms(deployment_anonymizer.key_of(deployment))
    made = Anonymizer(policy=policy, pseudonyms=names, identifiers=collect(source, policy))
    with scratch() as face:
        refresh(face, deployment, live, Transform("from scratch", made.table))
        return everything(face)


@pytest.mark.parametrize("seed", range(6))
def test_following_is_filling_from_scratch(deployment, seed):
    history = History(seed)
    followed = 0
    for _ in rounds(10, seconds=20):
        history.step()
        filling = follow(deployment, history.live)
        followed += any(filling._since.values())
        assert everything(ANONYMOUS) == from_scratch(deployment, history.live)
        told, there = classes(ANONYMOUS)
        assert told == there
    assert followed


def test_classes_are_counted_for_what_was_mirrored_before(deployment, live):
    follow(deployment, live)
    live.put("pet", note="a dog")
    live.put("notification", event_type="AssignmentSubmitted")
    follow(deployment, live)
    MirroredTable.objects.using(ANONYMOUS).update(classes={})
    migration = import_module("psynetdata.migrations.0017_classes_counted")
    migration.count_classes(apps, SimpleNamespace(connection=connections[ANONYMOUS]))
    told, there = classes(ANONYMOUS)
    assert told == there
    assert told["participant", "Participant"] == 12
    assert {("pet", "Pet"), ("notification", "Notification")} <= told.keys()


def test_a_face_that_miscounts_classes_is_filled_anew(deployment, live):
    follow(deployment, live)
    MirroredTable.objects.using(ANONYMOUS).filter(table="response").update(classes={"Response": 5})
    live.rows["response"][2]["answer"] = '"dogs"'
    follow(deployment, live)
    told, there = classes(ANONYMOUS)
    assert told == there


def written(monkeypatch):
    """Rows inserted from now on, as {model: number}."""
    module, counted = import_module("psynetdata.mirror.face_table"), {}
    insert = module.insert

    def counting(face, model, fields, rows):
        done = insert(face, model, fields, rows)
        counted[model.__name__] = counted.get(model.__name__, 0) + done
        return done

    monkeypatch.setattr(module, "insert", counting)
    return counted


def test_who_joins_changes_only_the_rows_that_name_them(deployment, live, monkeypatch):
    follow(deployment, live)
    assert NEWCOMER in Response.objects.using(ANONYMOUS).get(id=13).answer
    live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)
    counted = written(monkeypatch)
    follow(deployment, live)
    assert NEWCOMER not in Response.objects.using(ANONYMOUS).get(id=13).answer
    assert {name: number for name, number in counted.items() if number} == {"Participant": 1, "Response": 1}


def test_who_is_gone_is_no_identifier_any_more(deployment, live):
    number = live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)
    follow(deployment, live)
    del live.rows["participant"][number]
    follow(deployment, live)
    assert NEWCOMER in Response.objects.using(ANONYMOUS).get(id=13).answer


def test_an_asset_becomes_personal_by_a_row_elsewhere(deployment, live):
    follow(deployment, live)
    assert Asset.objects.using(ANONYMOUS).get().host_path is not None
    live.put("asset_participant", asset_id="1", participant_id="1")
    follow(deployment, live)
    assert Asset.objects.using(ANONYMOUS).get().host_path is None


def test_nothing_changed_reads_nothing(deployment, live, django_assert_max_num_queries):
    refresh(IDENTIFIED, deployment, live, Transform("as it is"))
    follow(deployment, live)
    live.reads.clear()
    with (
        django_assert_max_num_queries(4, using="default"),
        django_assert_max_num_queries(6, using=IDENTIFIED),
        django_assert_max_num_queries(6, using=ANONYMOUS),
    ):
        refresh(IDENTIFIED, deployment, live, Transform("as it is"))
        follow(deployment, live)
    assert live.reads == []


def test_only_parts_that_changed_are_looked_through_for_identifiers(deployment, live):
    follow(deployment, live)
    live.rows["participant"][12]["status"] = "approved"
    live.reads.clear()
    assert deployment_anonymizer.FaceAnonymizer(deployment, live, NoLedger()).name
    assert live.reads == ["participant"]


def test_what_is_known_of_identifiers_is_in_the_identified_face_only_and_is_swept(deployment, live):
    follow(deployment, live)
    live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)
    del live.rows["response"][13]
    follow(deployment, live)
    parts = sum(len(list(live.hashed_segments(table))) for table in live.tables())
    assert 0 < IdentifierPart.objects.count() <= parts
    assert KnownIdentifiers.objects.count() == 1
    for alias in ("default", ANONYMOUS):
        # On PostgreSQL the aliases are schemas of one database, each with a search path of its own.
        assert not {"psynetdata_identifierpart", "psynetdata_knownidentifiers"} & set(
            connections[alias].introspection.table_names()
        )


def test_what_was_kept_may_be_lost(deployment, live):
    follow(deployment, live)
    IdentifierPart.objects.all().delete()
    KnownIdentifiers.objects.all().delete()
    live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)
    follow(deployment, live)
    assert everything(ANONYMOUS) == from_scratch(deployment, live)


def test_another_key_fills_anew(deployment, live):
    follow(deployment, live)
    Deployment.objects.update(sealed_key="")
    follow(deployment, live)
    assert everything(ANONYMOUS) == from_scratch(deployment, live)


def test_an_old_state_that_is_lost_does_not_matter(deployment, live):
    refresh(IDENTIFIED, deployment, live, Transform("as it is"))
    follow(deployment, live)
    live.lost |= set(live.states)
    live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)
    live.rows["response"][2]["answer"] = '"dogs"'
    refresh(IDENTIFIED, deployment, live, Transform("as it is"))
    follow(deployment, live)
    assert everything(ANONYMOUS) == from_scratch(deployment, live)
    assert Response.objects.using(IDENTIFIED).get(id=2).answer == '"dogs"'
    assert Response.objects.using(IDENTIFIED).count() == live.row_count("response")


def test_a_face_that_lost_rows_is_filled_anew(deployment, live):
    follow(deployment, live)
    Response.objects.using(ANONYMOUS).filter(id=3)._raw_delete(ANONYMOUS)
    live.rows["response"][2]["answer"] = '"dogs"'
    follow(deployment, live)
    assert everything(ANONYMOUS) == from_scratch(deployment, live)


def test_a_refresh_that_is_stopped_leaves_a_face_that_can_be_followed(deployment, live):
    follow(deployment, live)
    before = everything(ANONYMOUS)
    live.put("participant", type="psynet.participant.Participant", worker_id=NEWCOMER)

    def stop(table, rows):
        if table == "response":
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        refresh(
            ANONYMOUS,
            deployment,
            live,
            deployment_anonymizer.FaceAnonymizer(deployment, live, NoLedger()),
            on_progress=stop,
        )
    assert everything(ANONYMOUS) == before
    filling = follow(deployment, live)
    assert any(filling._since.values())
    assert everything(ANONYMOUS) == from_scratch(deployment, live)
    assert MirroredTable.objects.using(ANONYMOUS).values("transform").distinct().count() <= 2  # with ids, and without
