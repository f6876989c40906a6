"""The job handler of backups, and the check each minute whether one is due."""

from datetime import timedelta

from django.conf import settings

from exports.backup import backup, schedule
from psynetdata import jobs


@jobs.handler(backup.KIND, cluster=jobs.SLOW, max_attempts=1, kept=timedelta(days=90))
def backup_job(running: jobs.Running) -> dict:
    """Options: place. Result: see exports.backup.backup.BackupResult."""
    place = backup.place_of(running.options["place"])
    done = backup.backup(place, running, passphrase=settings.BACKUP_PASSPHRASE, keep=settings.BACKUP_KEEP)
    return done.to_json()


jobs.each_minute(schedule.submit_due)
