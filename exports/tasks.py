"""Envelopes for jobs: ids in, fetch, one call."""

from datetime import timedelta

from exports.models import Export
from exports.notify import notices
from exports.notify.tell import tell
from exports.package import schedules, stopped, verifying, withdrawing
from exports.package.build import build
from exports.package.request import KIND
from exports.package.unpack import launch_mode
from exports.snapshots.reader import SnapshotReader
from exports.watch.look import look
from psynetdata.jobs import FAST, SLOW, Running, each_minute, handler


@handler(KIND, cluster=SLOW)
def export(running: Running) -> dict:
    found = Export.objects.select_related("deployment", "snapshot").get(job=running.job)
    archives = build(found, running)
    sizes = {archive.mode: archive.bytes for archive in archives}
    return {"export": found.id, "archives": sizes, "launch_mode": launch_mode(SnapshotReader(found.snapshot))}


@each_minute
def watch() -> None:
    look()


@handler(notices.KIND, cluster=FAST)
def notify(running: Running) -> dict:
    """Options: channel. Result: told."""
    return {"told": tell(running.options["channel"])}


@each_minute
def send_scheduled_exports() -> None:
    schedules.send_due()
    stopped.send()


@handler(stopped.KIND, cluster=FAST, kept=timedelta(days=7))
def tell_owner(running: Running) -> dict:
    """Options: schedule. Result: told, the ways."""
    return {"told": stopped.tell(running.options["schedule"])}


@handler(withdrawing.KIND, cluster=SLOW)
def withdraw(running: Running) -> dict:
    """Of the job's deployment. Result: see exports.package.withdrawing.follow."""
    return withdrawing.follow(running.job.deployment, running)


@handler(verifying.KIND, cluster=SLOW, kept=timedelta(days=90))
def verify(running: Running) -> dict:
    """Options: snapshot or export. Result: files, bytes, rows."""
    return verifying.verify(running.options)
