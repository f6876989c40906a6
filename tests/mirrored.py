"""Take, load and accept, with the mirror filled afterwards as the commands `snapshot` and `load` leave it."""

from exports.capture import take as capture
from exports.history import accept as accepting
from exports.load import load as loading
from exports.mirroring.mirror import mirror
from exports.models import Snapshot


def take(deployment, **options):
    taken = capture.take(deployment, **options)
    _mirror_newest(taken.snapshot)
    return taken


def load(path, **options):
    done = loading.load(path, **options)
    _mirror_newest(done.snapshot)
    return done


def accept(snapshot, **options):
    accepted = accepting.accept(snapshot, **options)
    _mirror_newest(accepted[-1])
    return accepted


def _mirror_newest(snapshot: Snapshot) -> None:
    if Snapshot.objects.newest(snapshot.deployment) == snapshot:
        mirror(snapshot)
