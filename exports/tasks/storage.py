"""Job handlers for work on the storage as a whole."""

from dataclasses import asdict
from datetime import timedelta

from exports.operations import encryption, rehash, upkeep_schedule
from exports.store.second_copy.catch_up import catch_up
from psynetdata import jobs


@jobs.handler(encryption.KIND, cluster=jobs.SLOW)
def encrypt_job(running: jobs.Running) -> dict:
    """Encrypt all files with the newest key. Result: files, those that it encrypted, and checked, all of them."""
    return encryption.encrypt(running)


@jobs.handler(upkeep_schedule.REHASH, cluster=jobs.SLOW, kept=timedelta(days=90))
def rehash_job(running: jobs.Running) -> dict:
    """Options: parts, or none. Result: see exports.operations.rehash.Rehashed."""
    return asdict(rehash.rehash(running, seconds=upkeep_schedule.SECONDS))


@jobs.handler(upkeep_schedule.COPY, cluster=jobs.SLOW, max_attempts=1, kept=timedelta(days=7))
def copy_job(running: jobs.Running) -> dict:
    """Copy what the second copy lacks. Result: see exports.store.second_copy.catch_up.CaughtUp."""
    return asdict(catch_up(running, seconds=upkeep_schedule.SECONDS))


jobs.each_minute(upkeep_schedule.submit_due)
