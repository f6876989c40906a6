"""Staged segments and states into the store; gone again if what needs them does not come to be."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from django.utils import timezone

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Job

from .stage import Staged
from .store import Store

# Kinds of jobs that store blobs.
STORING = ("load", "snapshot")


@contextmanager
def published(staged: Staged, store: Store, *, running: jobs.Running | None = None) -> Iterator[None]:
    """Inside, everything staged is in the store, read back and whole. A body that raises takes back what was new."""
    began = timezone.now()
    new: list[tuple[str, str]] = []
    with ExitStack() as undo:
        undo.callback(lambda: _take_back(store, new, began, running))
        _put(staged, store, new, running)
        yield
        undo.pop_all()


def _put(staged: Staged, store: Store, new: list, running: jobs.Running | None) -> None:
    total = len(staged.files) + len(staged.states)
    tell = _teller(running, total)
    for done, (sha256, path) in enumerate(staged.files.items()):
        tell(done)
        if store.put_file(path, sha256):
            new.append((sha256, "csv"))
            store.check(sha256)
    for done, state in enumerate(staged.states.values(), start=len(staged.files)):
        tell(done)
        sha256, is_new = store.put_state(state)
        if is_new:
            new.append((sha256, "json"))
            store.check(sha256, "json")


def _take_back(store: Store, new: list[tuple[str, str]], began: datetime, running: jobs.Running | None) -> None:
    """Remove the new blobs, but for those that others may have come to stand on meanwhile.

    Equal blobs are shared: while another job stores, nothing is removed, and what nobody names stays for prune.
    """
    others = Job.objects.filter(
        kind__in=STORING, state=Job.State.RUNNING, heartbeat_at__gte=timezone.now() - jobs.STALE_AFTER
    )
    if others.exclude(pk=running.job.pk if running else None).exists():
        return
    needed: set[str] = set()
    for snapshot in Snapshot.objects.filter(stored_at__gte=began).iterator():
        for entry in snapshot.tables.values():
            needed.add(entry["state"])
            needed.update(segment.sha256 for segment in store.state(entry["state"]).segments)
    for sha256, kind in new:
        if sha256 not in needed:
            store.remove(sha256, kind)


def _teller(running: jobs.Running | None, total: int) -> Callable[[int], None]:
    return (lambda done: running.progress("storing", done, total)) if running else (lambda done: None)
