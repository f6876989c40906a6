"""Envelopes for jobs: ids in, fetch, one call."""

from exports.models import Export
from exports.package.build import build
from exports.package.request import KIND
from psynetdata.jobs import SLOW, Running, handler


@handler(KIND, cluster=SLOW)
def export(running: Running) -> dict:
    found = Export.objects.select_related("deployment", "snapshot").get(job=running.job)
    archives = build(found, running)
    return {"export": found.id, "archives": {archive.mode: archive.bytes for archive in archives}}
