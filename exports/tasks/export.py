"""Job handlers for exports: take ids, fetch rows, make one call."""

from datetime import timedelta

from exports.models import Export
from exports.notify import notices
from exports.notify.delivery import deliver
from exports.operations import export_schedule, schedule_notice
from exports.operations import verify as verify_operation
from exports.operations import withdraw as withdraw_operation
from exports.operations.export import build
from exports.package.export_folder import launch_mode
from exports.package.request import KIND
from exports.store.reader import SnapshotReader
from exports.watch import heartbeat
from exports.watch.inspection import inspect
from psynetdata.jobs import FAST, SLOW, Running, each_minute, handler


@handler(KIND, cluster=SLOW)
def export(running: Running) -> dict:
    row = Export.objects.select_related("deployment", "snapshot").get(job=running.job)
    archives = build(row, running)
    sizes = {archive.mode: archive.bytes for archive in archives}
    return {"export": row.id, "archives": sizes, "launch_mode": launch_mode(SnapshotReader(row.snapshot))}


each_minute(inspect, unchecked=True)


each_minute(heartbeat.submit)


@handler(heartbeat.KIND, cluster=FAST, max_attempts=1, kept=timedelta(days=1))
def heartbeat_job(running: Running) -> dict:
    """Result: sent, and the reason if it was not. One attempt: the next one follows within a minute."""
    return heartbeat.send()


@handler(notices.KIND, cluster=FAST, unchecked=True)
def notify(running: Running) -> dict:
    """Options: channel. Result: told."""
    return {"told": deliver(running.options["channel"])}


@each_minute
def send_scheduled_exports() -> None:
    export_schedule.send_due()
    schedule_notice.send()


@handler(schedule_notice.KIND, cluster=FAST, kept=timedelta(days=7), unchecked=True)
def notify_owner(running: Running) -> dict:
    """Options: schedule. Result: told, the ways."""
    return {"told": schedule_notice.notify_owner(running.options["schedule"])}


@handler(withdraw_operation.KIND, cluster=SLOW)
def withdraw(running: Running) -> dict:
    """Withdraw participants of the job's deployment. Result: see exports.operations.withdraw.follow."""
    return withdraw_operation.follow(running.job.deployment, running)


@handler(verify_operation.KIND, cluster=SLOW, kept=timedelta(days=90))
def verify(running: Running) -> dict:
    """Options: snapshot or export. Result: files, bytes, rows."""
    return verify_operation.verify(running.options)
