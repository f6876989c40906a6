"""The anonymous face of real databases: complete, free of identifiers, and following its key and policy."""

import json
from importlib import import_module

import pytest
from cryptography.fernet import Fernet

from exports.leakscan.needles.collection import collect
from exports.leakscan.scan import scan
from exports.mirroring.mirror import mirror
from exports.models import Snapshot
from exports.store.reader import SnapshotReader
from psynetdata.anonymize.face import deployment_anonymizer
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import shows, withheld
from psynetdata.models import TYPED_MODELS, Deployment, Participant, Record, Response, Trial
from psynetdata.psynet.problems import Problem
from tests.references import REFERENCES

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


def write_down(face, folder):
    """Every value of every mirrored row, a file a model."""
    folder.mkdir()
    for model in (*TYPED_MODELS.values(), Record):
        with (folder / f"{model.__name__}.ndjson").open("w") as file:
            for row in model.objects.using(face).values().iterator():
                row |= json.loads(row.pop("rest"))
                file.write(json.dumps(row, default=str) + "\n")
    return folder


@pytest.mark.parametrize("name", REFERENCES)
def test_the_anonymous_face_holds_no_identifier(loaded, tmp_path, name):
    deployment = loaded(name)
    needles = collect(SnapshotReader(Snapshot.objects.newest(deployment)))
    assert scan(write_down(ANONYMOUS, tmp_path / "anonymous"), needles).findings == []
    assert scan(write_down(IDENTIFIED, tmp_path / "identified"), needles).findings  # the search has teeth


def test_both_faces_show_the_same_rows_of_the_same_state(loaded):
    deployment = loaded("static_audio")
    assert shows(ANONYMOUS, deployment) == shows(IDENTIFIED, deployment)
    for model in TYPED_MODELS.values():
        keys = [set(model.objects.using(face).values_list("key", flat=True)) for face in (ANONYMOUS, IDENTIFIED)]
        assert keys[0] == keys[1]
    plain = ("id", "score", "participant_id", "definition", "creation_time")
    rows = [list(Trial.objects.using(face).order_by("key").values(*plain)) for face in (ANONYMOUS, IDENTIFIED)]
    assert rows[0] == rows[1]


def test_pseudonyms_are_stable_and_equal_where_ids_are_equal(loaded):
    deployment = loaded("static")
    before = dict(Participant.objects.using(ANONYMOUS).values_list("id", "worker_id"))
    mirror(Snapshot.objects.newest(deployment))
    assert dict(Participant.objects.using(ANONYMOUS).values_list("id", "worker_id")) == before
    assert len(set(before.values())) == len(before)
    assert all(value.startswith("p_") for value in before.values())


def test_another_key_fills_the_anonymous_face_anew_and_leaves_the_other(loaded):
    deployment = loaded("static")
    before = dict(Participant.objects.using(ANONYMOUS).values_list("id", "worker_id"))
    Deployment.objects.update(sealed_key="")
    mirror(Snapshot.objects.select_related("deployment").get())
    after = dict(Participant.objects.using(ANONYMOUS).values_list("id", "worker_id"))
    assert not set(before.values()) & set(after.values())
    assert deployment.deployment_id


def test_an_unchanged_mirror_is_not_touched(loaded, monkeypatch):
    loaded("static")
    module = import_module("psynetdata.mirror.face_table")
    monkeypatch.setattr(module, "insert", None)
    monkeypatch.setattr(module, "delete", None)
    rows = mirror(Snapshot.objects.select_related("deployment").get())
    assert rows["info"] == 130


def test_a_deployment_that_continues_another_shares_its_key(loaded):
    first = loaded("static")
    second = Deployment.objects.create(deployment_id="the next launch", continues=first)
    assert deployment_anonymizer.key_of(second) == deployment_anonymizer.key_of(first)
    other = Deployment.objects.create(deployment_id="something else")
    assert deployment_anonymizer.key_of(other) != deployment_anonymizer.key_of(first)


def test_a_lost_master_key_is_said_before_a_new_deployment_is_sealed_with_another(loaded, settings):
    loaded("static")
    other = Deployment.objects.create(deployment_id="something else")
    settings.MASTER_KEY = Fernet.generate_key().decode()
    with pytest.raises(Problem, match="MASTER_KEY"):
        deployment_anonymizer.key_of(other)
    other.refresh_from_db()
    assert other.sealed_key == ""


def test_what_is_withheld_is_known(loaded):
    deployment = loaded("static")
    assert "client_ip_address" in withheld(ANONYMOUS, deployment, "participant")
    assert withheld(IDENTIFIED, deployment, "participant") == frozenset()
    assert not Response.objects.using(ANONYMOUS).exclude(client_ip_address=None).exists()
