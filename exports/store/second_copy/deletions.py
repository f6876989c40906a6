"""Which deletions reach the second copy: those that something decided, not what merely vanished."""

from collections.abc import Iterable

from exports.models import DecidedDeletion, ReleasedFile, SecondCopy

from .place import is_configured

_TOGETHER = 500


def note_deletions(stored_names: Iterable[str]) -> None:
    """Note files that are about to be deleted from the storage because of a decision.

    Also while the second copy is switched off, if there ever was one: what was erased must not stay there.
    """
    if is_configured() or SecondCopy.objects.exists():
        rows = (DecidedDeletion(name=name) for name in sorted(set(stored_names)))
        DecidedDeletion.objects.bulk_create(rows, batch_size=_TOGETHER, ignore_conflicts=True)


def note_released(stored_names: Iterable[str]) -> None:
    """Note those of the files that a decision released (ReleasedFile); the others have only left a quarantine."""
    names = list(stored_names)
    for start in range(0, len(names), _TOGETHER):
        released = ReleasedFile.objects.filter(name__in=names[start : start + _TOGETHER])
        note_deletions(released.values_list("name", flat=True))
