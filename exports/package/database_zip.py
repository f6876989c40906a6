"""Write a snapshot as the `database.zip` that `psynet deploy --archive` and `psynet load` take."""

import os
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory

from exports.models import Snapshot
from exports.store.withdrawals import without_withdrawn
from psynetdata.infra import processes
from psynetdata.jobs import Running
from psynetdata.models import Audit
from psynetdata.psynet.problems import BadInput, Conflict, Problem

from .options import REGULAR
from .progress_meter import ProgressMeter
from .tree.convert_worker import ConvertContext, Side
from .tree.file_names import safe_name
from .tree.members import Member
from .tree.table_files import make, write_database
from .zip.zip_writer import ZipWriter

_UNITS = 1000  # of the meter: all of it is one part


def default_name(snapshot: Snapshot) -> str:
    return safe_name(f"{snapshot.deployment.deployment_id}__snapshot-{snapshot.pk}", ".zip")


def download(
    snapshot: Snapshot, path: Path, *, force: bool = False, user=None, running: Running | None = None
) -> Member:
    """Write the zip to `path`, completely or not at all, and record it. Its bytes are those in a regular export.

    Raises Conflict if the path already exists (`force` replaces a file), BadInput if its folder cannot be written to,
    Damaged, Cancelled.
    """
    if path.is_dir() or (path.exists() and not force):
        way = "name a file in it" if path.is_dir() else "name another path, or replace it with --force"
        raise Conflict(f"{path} already exists; {way}.")
    if not path.parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}; create it first, or name another path.")
    try:
        # In the same folder, so that the last step is a rename.
        with TemporaryDirectory(dir=path.parent, prefix=".psynetdata-") as folder:
            part = Path(folder) / path.name
            written = _written(snapshot, part, ProgressMeter(running, _UNITS))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            _publish(part, path, force)
    except OSError as error:
        raise Problem(f"{path} could not be written: {error.strerror or error}.") from None
    Audit.record(
        "download", user=user, deployment=snapshot.deployment, target=snapshot, identified=True, sha256=written.sha256
    )
    return written


def _written(snapshot: Snapshot, part: Path, meter: ProgressMeter) -> Member:
    less = without_withdrawn(snapshot, part.parent, on_progress=lambda *_: meter.check())
    context = ConvertContext(less.reader, part.parent, clock=0, classes=False)
    context.add_side(Side(REGULAR))
    with processes.pool(processes.cores(), context, check_cancelled=meter.check) as pool:
        tables = make(context, pool, REGULAR, meter, _UNITS)
    with part.open("wb") as file:
        writer = ZipWriter(file, snapshot.taken_at)
        write_database(writer, tables, part.parent)
        writer.close()
    with part.open("rb") as file:
        return Member(part.name, part, part.stat().st_size, file_digest(file, "sha256").hexdigest())


def _publish(part: Path, path: Path, force: bool) -> None:
    if force:
        part.replace(path)
        return
    try:
        os.link(part, path)  # unlike a rename it never replaces a file that was put there in the meantime
    except FileExistsError:
        raise Conflict(f"{path} already exists; name another path, or replace it with --force.") from None
    except OSError:  # a file system without hard links
        part.rename(path)
