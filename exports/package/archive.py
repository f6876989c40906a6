"""An export's archive while it is made: members, read back, then accounts. Only closing makes it a zip (law 2)."""

import hashlib
import zipfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from psynetdata.infra.processes import Pool
from psynetdata.psynet.problems import Damaged

from .formats.file_format import FileFormat
from .progress_meter import ProgressMeter
from .tree.convert_worker import ConvertContext, MemberCheck, PackTask, pack_file, read_back
from .tree.members import Member, read
from .tree.table_files import Tables, named, write_database
from .zip.zip_writer import Entry, ZipWriter

_DAMAGED = "The finished archive is not as it should be; nothing was published: {}"


@dataclass(frozen=True)
class _Written:
    """`rows`: records that a table's file must have, with its header; None if its rows are not counted."""

    entry: Entry
    member: Member | None = None
    rows: int | None = None


class Archive:
    """The zip of one side of an export at `path`; a context manager that closes the file."""

    def __init__(self, path: Path, moment: datetime, context: ConvertContext, pool: Pool, meter: ProgressMeter):
        self.path = path
        self.members: list[Member] = []
        self._context, self._pool, self._meter = context, pool, meter
        self._file = path.open("wb")
        self._writer = ZipWriter(self._file, moment)
        self._written: list[_Written] = []

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def add_database(self, name: str, tables: Tables) -> None:
        with self._writer.nested(name) as inner:
            write_database(inner, tables, self._context.folder)
        rows = {f"data/{table}.csv": 1 + sum(piece.rows for piece in of) for table, of in tables.database.items()}
        self._written += [_Written(entry, rows=rows.get(entry.name)) for entry in inner.entries]
        self._add(self._writer.entries[-1], Member(name, None))

    def add_class_files(self, folder: str, tables: Tables, format: FileFormat, *, for_excel: bool) -> None:
        on_disk = []
        files = named(tables.classes, format.extension)
        for written, pieces in format.write(files, self._context, self._pool, for_excel=for_excel):
            member = replace(written, name=f"{folder}{written.name}")
            if member.path is not None:
                on_disk.append(member)
            else:
                self._add(self._writer.deflated(member.name, pieces), member, rows=1 + member.rows)
        self.add_files(on_disk)

    def add_files(self, members: list[Member]) -> None:
        """Add files of the folder; the workers compress them where that makes them smaller."""
        members = sorted(members, key=lambda member: member.name)
        to = self._context.folder / f"{self.path.stem}-{len(self._written)}"
        tasks = [PackTask(index, member.path, Path(f"{to}-{index}")) for index, member in enumerate(members)]
        packed = dict(self._pool.each(pack_file, tasks))
        for index, member in enumerate(members):
            pieces = packed[index]
            add = self._writer.deflated if pieces else self._writer.stored
            self._add(add(member.name, pieces or read(member.path, self._meter)), member)

    def read_back(self, units: int) -> None:
        """Read every member back from disk; afterwards `members` has their sizes and hashes. Raises Damaged.

        `units`: how many units of the meter this is worth.
        """
        self._file.flush()
        self._meter.begin("checking", units, bytes=sum(written.entry.bytes for written in self._written))
        expected = {written.entry.start: written for written in self._written}
        for checks in self._pool.each(read_back, [(self.path, written.entry) for written in self._written]):
            written = expected[checks.entry.start]
            if written.rows not in (None, checks.rows):
                raise Damaged(
                    _DAMAGED.format(f"{checks.entry.name} has {checks.rows - 1} rows, not {written.rows - 1}.")
                )
            self._meter.advance(bytes=checks.bytes)
            if written.member is not None:
                self.members.append(_known(written.member, checks))
        self._written.clear()
        self.members.sort(key=lambda member: member.name)

    def add_account(self, name: str, content: bytes) -> Member:
        """Add a file that describes the others; it comes after them."""
        entry = self._writer.whole(name, content)
        member = Member(name, None, entry.bytes, hashlib.sha256(content).hexdigest())
        self.members = sorted([*self.members, member], key=lambda each: each.name)
        return member

    def finish(self) -> tuple[int, str]:
        """Close the zip and read it with an independent reader. Return (its bytes, their SHA-256). Raises Damaged."""
        self._writer.close()
        self._file.close()
        with self.path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
        wanted = sorted(
            (entry.name, entry.bytes, entry.packed, entry.crc32, entry.offset) for entry in self._writer.entries
        )
        try:
            with zipfile.ZipFile(self.path) as archive:
                listed = archive.infolist()
                for member in listed:
                    archive.open(member).close()  # raises if its own header and the directory differ
        except (zipfile.BadZipFile, OSError) as error:
            raise Damaged(_DAMAGED.format(error)) from None
        if [(one.filename, one.file_size, one.compress_size, one.CRC, one.header_offset) for one in listed] != wanted:
            raise Damaged(_DAMAGED.format("its directory does not list what was written."))
        return size, digest

    def _add(self, entry: Entry, member: Member, rows: int | None = None) -> None:
        self._written.append(_Written(entry, member, rows))


def _known(member: Member, check: MemberCheck) -> Member:
    """Return the member with the size and hash that were read back; they must equal those known before."""
    if member.sha256 and (member.bytes, member.sha256) != (check.bytes, check.sha256):
        raise Damaged(_DAMAGED.format(f"{member.name} does not hold what was put into it."))
    return replace(member, bytes=check.bytes, sha256=check.sha256)
