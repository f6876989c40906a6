"""Verifying as a job: what it says of a snapshot that is whole, and of one that is not."""

import pytest
from django.core.files.storage import default_storage

from exports.models import Snapshot
from exports.operations import verify
from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from exports.store.blobs import file_of
from psynetdata import jobs
from psynetdata.psynet.problems import Conflict
from tests.store.snapshot_factory import reference

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def done(row):
    jobs.run(verify.ask(row, owner=None).pk)
    return verify.last(row)


def test_a_snapshot_and_an_export_and_then_a_file_is_gone():
    snapshot = reference("static")
    assert (done(snapshot).state, verify.last(snapshot).result["rows"]) == ("done", snapshot.rows)
    export = request_export(snapshot.deployment, ExportOptions("no", assets="none", type="database"), here=True)
    run_here(export)
    assert done(export).state == "done"
    waiting = verify.ask(snapshot, owner=None)
    with pytest.raises(Conflict, match=f"Verify {waiting.pk} is already verifying"):
        verify.ask(snapshot, owner=None)
    jobs.run(waiting.pk)
    default_storage.delete(file_of(snapshot.tables["info"]["state"], "json"))
    default_storage.delete(export.archives.get().file)
    assert "not as stored; `manage.py verify --snapshot" in done(snapshot).reason
    way_out = f"`manage.py verify --export {export.pk}` reports the details."
    assert done(export).reason == f"In {export} one thing is not as stored; {way_out}"
    assert Snapshot.objects.get().damage
