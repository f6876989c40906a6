"""A pseudonym key leaves once, and can be destroyed."""

import base64
import json
import stat
from io import StringIO

import pytest
from django.core.management import call_command

from exports.mirroring.mirror import mirror
from psynetdata.anonymize.face.deployment_anonymizer import key_of
from psynetdata.anonymize.face.keys import destroy_key, export_key
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.models import Audit, Deployment, IdentifierPart, KnownIdentifiers, Numbered, Participant
from psynetdata.psynet.problems import Conflict, Problem, UsageError
from tests.store.snapshot_factory import reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def keys(*words):
    out = StringIO()
    call_command("keys", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def shown():
    return set(Participant.objects.using("anonymous").values_list("worker_id", flat=True))


def test_the_key_leaves_once_into_a_file_of_its_own(tmp_path):
    snapshot = reference("timeline")
    mirror(snapshot)
    path = tmp_path / "key.json"
    assert str(path) in keys("export", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    names = Pseudonyms(base64.b64decode(told["key"]))
    real = Participant.objects.using("identified").values_list("worker_id", flat=True)
    assert {names.pseudonym(worker) for worker in real} == shown()
    assert told["deployments"] == [snapshot.deployment.deployment_id]
    entry = Audit.objects.get(verb="export key")
    assert entry.identified
    assert told["key"] not in json.dumps(entry.details)
    with pytest.raises(Conflict, match="can be exported only once"):
        keys("export", str(tmp_path / "again.json"))
    assert not (tmp_path / "again.json").exists()


def test_a_file_that_cannot_be_written_costs_nothing(tmp_path):
    reference("timeline")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(Conflict, match="already exists"):
        keys("export", str(tmp_path / "there"))
    with pytest.raises(Problem, match="cannot be written"):
        keys("export", str(tmp_path / "no" / "folder"))
    keys("export", str(tmp_path / "key.json"))


def test_destroyed_it_is_gone_with_all_that_was_kept(tmp_path):
    snapshot = reference("timeline")
    mirror(snapshot)
    options = {"path": tmp_path / "x", "anonymize": "yes", "pseudonyms": "number", "type": "database"}
    call_command("export", stdout=StringIO(), stderr=StringIO(), **options)
    deployment, before = snapshot.deployment, shown()
    later = Deployment.objects.create(deployment_id="later", continues=deployment)
    key = key_of(deployment)
    assert all(model.objects.exists() for model in (Numbered, IdentifierPart, KnownIdentifiers))
    with pytest.raises(UsageError, match="--yes"):
        keys("destroy", "--deployment", "later")
    destroy_key(later)
    assert not any(model.objects.exists() for model in (Numbered, IdentifierPart, KnownIdentifiers))
    deployment.refresh_from_db()
    assert deployment.sealed_key == ""
    with pytest.raises(Conflict, match="no key"):
        destroy_key(deployment)
    assert Audit.objects.filter(verb="destroy key").count() == 1
    # What is filled from then on has other pseudonyms, and their key can be exported in turn.
    mirror(snapshot)
    assert key_of(later) == key_of(deployment) != key
    assert not shown() & before
    assert json.loads(export_key(later))["deployments"] == [deployment.deployment_id, "later"]


def test_the_command_destroys_and_fills_the_face_anew():
    snapshot = reference("timeline")
    mirror(snapshot)
    before = shown()
    assert "destroyed" in keys("destroy", "--yes")
    assert len(shown()) == len(before)
    assert not shown() & before
