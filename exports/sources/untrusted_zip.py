"""Read a zip archive from an unknown person, without trusting anything in it.

Names, sizes, checksums and flags in an archive are only claims. A member is streamed, never extracted to a name that
the archive chooses, and its content is compared with what was declared.
"""

import copy
import io
import stat
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import BadInput

# Above this size, data that shrinks more than this is not an experiment's: PsyNet's own tables shrink 5 to 20 times.
SUSPICIOUS_BYTES = 1 << 30
SUSPICIOUS_RATIO = 200

# Other methods can return any amount of data from one call, and PsyNet uses none of them.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_EVERYTHING = 1 << 62
# What zipfile raises for damaged or hostile archives.
_SPOILT = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class SafeZip:
    """The files of an archive. `files`: {name: declared size}. `label` is the archive's name in sentences.

    Raises BadInput if it is not a complete zip archive, and for names that lead out of it or are links.
    """

    def __init__(self, path: Path, label: str):
        self.label = label
        self._size = path.stat().st_size
        try:
            self._zip = zipfile.ZipFile(path)
        except _SPOILT:
            raise _no_zip(path, label) from None
        try:
            self._members = self._checked_members()
        except BadInput:
            self.close()
            raise
        self.files = {name: info.file_size for name, info in self._members.items()}

    def close(self) -> None:
        self._zip.close()

    def open(self, name: str, *, text: bool = True) -> BinaryIO:
        """Return the member as a buffered stream. Reading raises BadInput if the content is not as declared.

        `text`: raise at the first block with a NUL byte, because PostgreSQL's text cannot hold one.
        """
        info = self._members[name]
        called = f"{printable_name(name)} in {self.label}"
        if info.flag_bits & _ENCRYPTED:
            raise BadInput(f"{called} is encrypted; unpack the archive and load one without a password.")
        if info.compress_type not in _COMPRESSIONS:
            raise BadInput(f"{called} is compressed by a method that PsyNet does not use; make an ordinary zip of it.")
        self._check_ratio(called, info.file_size, min(info.compress_size, self._size))
        whole = copy.copy(info)
        whole.file_size = _EVERYTHING  # otherwise zipfile cuts at the declared size and a false size goes unnoticed
        try:
            raw = self._zip.open(whole)
        except _SPOILT:
            raise _damaged(called) from None
        return io.BufferedReader(_Member(raw, called, info.file_size, text=text), BLOCK)

    def check_together(self, names: list[str]) -> None:
        """Refuse files that are together far larger than the archive could really hold."""
        self._check_ratio(self.label, sum(self.files[name] for name in names), self._size)

    def fingerprint(self, name: str) -> tuple[int, int]:
        """Return (size, CRC-32) as declared."""
        return self._members[name].file_size, self._members[name].CRC

    def newest(self, names: list[str]) -> datetime | None:
        """Return the newest date of these members: in UTC if the archive says so, else without a zone, in the clock of
        the machine that made it. None if no date is set: archives that want none say 1980.
        """
        members = [self._members[name] for name in names]
        times = [_utc(info.extra) for info in members] or [None]
        dates = times if None not in times else [_local(info.date_time) for info in members]
        return max((date for date in dates if date and date.year > 1980), default=None)

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            name = info.filename
            if _leads_out(info.orig_filename) or _leads_out(name):
                raise BadInput(
                    f"{self.label} holds the name {printable_name(name)}, which leads out of the archive; refused."
                )
            if stat.S_ISLNK(info.external_attr >> 16):
                raise BadInput(f"{self.label} holds the symbolic link {printable_name(name)}; use the file itself.")
            if info.is_dir():
                continue
            if name in members and name.endswith((".csv", ".zip")):
                raise BadInput(f"{self.label} holds {printable_name(name)} twice; it is not clear which one is meant.")
            members[name] = info
        return members

    @staticmethod
    def _check_ratio(called: str, size: int, packed: int) -> None:
        if size > SUSPICIOUS_BYTES and size > SUSPICIOUS_RATIO * packed:
            raise BadInput(
                f"{called} would unpack to {size / 2**30:.1f} GiB, over {SUSPICIOUS_RATIO} times its compressed size; "
                "an experiment's data does not do that."
            )


class _Member(io.RawIOBase):
    """Counts the bytes of a member and refuses it as soon as they differ from what was declared."""

    def __init__(self, raw: BinaryIO, called: str, declared: int, *, text: bool):
        self._raw = raw
        self._called = called
        self._declared = declared
        self._text = text
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            data = self._raw.read(len(buffer))
        except _SPOILT:
            raise _damaged(self._called) from None
        self._count += len(data)
        if self._count > self._declared or (not data and self._count < self._declared):
            raise BadInput(f"{self._called} does not hold the {self._declared} bytes that the archive declares.")
        if self._text:
            refuse_nul(data, self._called)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _local(date_time: tuple[int, ...]) -> datetime | None:
    try:
        return datetime(*date_time)
    except ValueError:  # a month 0 or an hour 27
        return None


def _utc(extra: bytes) -> datetime | None:
    """Return the modification time in a member's extra field (Info-ZIP's "extended timestamp", 0x5455)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return datetime.fromtimestamp(struct.unpack_from("<i", extra, 5)[0], UTC)
        extra = extra[4 + size :]
    return None


def refuse_nul(data: bytes, called: str) -> None:
    if b"\0" in data:
        raise BadInput(f"{called} holds NUL bytes; PostgreSQL's text cannot, so this is not one of its tables.")


def printable_name(name: str) -> str:
    """Return a file's name for a sentence: control characters escaped, and not too long."""
    text = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in name)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)
    return bool(windows.drive or windows.root) or ".." in windows.parts or PurePosixPath(name).is_absolute()


def _no_zip(path: Path, label: str) -> BadInput:
    with path.open("rb") as file:
        begins_as_zip = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    if begins_as_zip:
        return BadInput(f"{label} is a damaged zip archive, probably cut short; fetch it again.")
    return BadInput(f"{label} is not a zip archive; load PsyNet's database.zip or an export, as a zip or a folder.")


def _damaged(called: str) -> BadInput:
    return BadInput(f"{called} is damaged: its content does not match its checksum; fetch the archive again.")
