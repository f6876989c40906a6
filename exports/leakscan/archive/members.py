"""Go through everything in an archive: members within members, names, and the bytes between them."""

import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import IO

from exports.leakscan.report import UNREADABLE, Tally
from exports.leakscan.search import redaction as shows
from exports.leakscan.search.cells import NAMED, NUMBERS, UNREADABLE_ROWS, RowCheck
from exports.leakscan.search.location import HitLocation, location_for
from exports.leakscan.search.matcher import GUARD, NUMBER, Hit, Matcher
from exports.leakscan.search.stream import BLOCK, BlockSearch
from exports.leakscan.second_check.shapes import REACH
from exports.leakscan.second_check.sightings import Key, SecondCheck, Sightings

from . import formats, kinds, parquet_texts, zip_gaps
from .formats import Unreadable
from .parts import Parts

DEEPEST = 8
# How much may be unpacked from one file: a bomb is refused, a table of equal rows is not.
_UNPACKED, _TIMES = 1 << 30, 200
# Signs of encryption in formats of which most files are not encrypted.
_ENCRYPTED = {"pdf": b"/Encrypt", "ole": "EncryptedPackage".encode("utf-16-le")}
_IN_MEMORY = 8 << 20
_MOST_NAMES = 1000

# What damaged or unusual archives raise while they are read.
_READ_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError, ValueError, OverflowError, struct.error),
)


class MemberSearch:
    """Searches members and everything within them; findings go to the tally.

    In every method `shown` is the member's path as a report may show it.
    """

    def __init__(
        self,
        matcher: Matcher,
        progress: Callable[[int], None] | None = None,
        accounts: Collection[str] = (),
        second: SecondCheck | None = None,
    ):
        self.tally = Tally()
        self._second = second
        self._matcher = matcher
        self._accounts = {f"archive/{name}" for name in accounts}
        self._progress = progress
        self._left = _UNPACKED
        self._safe = lru_cache(_MOST_NAMES)(partial(shows.safe, matcher=matcher))  # hits share few columns

    def begin(self, size: int) -> None:
        """Begin a file of so many bytes, or a part of one: what is unpacked from it is counted from now on."""
        self._left = _UNPACKED + _TIMES * size

    def member(self, stream: IO[bytes], name: str, shown: str, depth: int = 0, inside: str = kinds.TEXT) -> None:
        """Search one member of any kind. `inside`: the kind of the file that it is a part of."""
        self.tally.members += 1
        with self.readable(shown):
            self._open(stream, name, shown, depth, inside)

    @contextmanager
    def readable(self, shown: str) -> Iterator[None]:
        """Turn whatever cannot be searched into a finding of kind `unreadable`."""
        try:
            yield
        except Unreadable as reason:
            self.tally.add(shown, "content", UNREADABLE, str(reason))
        except _READ_ERRORS as error:
            self.tally.add(shown, "content", UNREADABLE, f"damaged ({type(error).__name__})")

    def byte_range(
        self,
        stream: IO[bytes],
        name: str,
        shown: str,
        *,
        kind: str = kinds.TEXT,
        depth: int = 0,
        start: int = 0,
        end: int | None = None,
    ) -> None:
        """Search the bytes [start, end) of a member. A hit belongs to the range in which it ends.

        `kind`: see `kinds`. A part that is packed or encoded and begins in the range is searched as a member.
        """
        place = location_for(name, self._safe)
        begin = max(0, start - self._matcher.reach)
        tail = _skip(stream, begin, place)
        blocks = BlockSearch(self._matcher, place, partial(self._hit, shown), settled=start - begin)
        seen = self._sightings(shown, lambda offset: blocks.describe_next(block, 0, offset), settled=start - begin)
        parts = Parts(self._part_taker(shown, kind, depth), self._spend, kind, None if end is None else end - start)
        samples = kinds.Samples()
        position, stop = begin, None if end is None else end + GUARD
        while block := stream.read(BLOCK if stop is None else min(BLOCK, stop - position)):
            buffer, other = blocks.buffer_with(block), max(0, start - position)  # bytes of another part come first
            parts.feed_in(buffer, len(buffer) - len(block) + other, partial(blocks.describe_next, block, other))
            if seen:
                seen.feed(block if end is None else block[: max(0, end - position)])
            blocks.feed(block)
            samples.feed(block)
            position += len(block)
            tail = (tail + block)[-formats.ZIP_TAIL :]
            self._count(min(position, end or position) - max(position - len(block), start))
            if kind in _ENCRYPTED and _ENCRYPTED[kind] in block:
                raise Unreadable(f"encrypted ({kind})")
        beyond = 0 if end is None else max(0, position - end)
        blocks.close(beyond=beyond)
        ahead = b"" if end is None else stream.read(REACH)
        parts.feed(ahead, lambda place: "content")
        if seen:
            seen.close(tail[len(tail) - beyond :] + ahead)
        while parts.is_open and (block := stream.read(BLOCK)):
            parts.feed(block, lambda place: "content")
        parts.close()
        if end is None and formats.ends_as_zip(tail):
            raise Unreadable("a zip after other bytes")
        if samples.is_binary and kind in (kinds.TEXT, kinds.UNKNOWN):
            kind = kinds.UNKNOWN
            is_whole = start == 0 and end is None
            if is_whole and samples.is_dense_outside(parts.covered) and not kinds.is_named_as_media(name):
                raise Unreadable("in a format that is not known, and its bytes look packed or encrypted")
        elif kind == kinds.WHOLE and samples.is_dense_outside(parts.covered):
            kind = kinds.UNKNOWN
        if kinds.is_seen_in_part(kind) and start == 0:
            self.tally.note_kind(shown, kind)

    def _part_taker(self, shown: str, kind: str, depth: int) -> Callable[[IO[bytes], str], None]:
        def take(content: IO[bytes], place: str) -> None:
            part = f"{shown}/(packed in {place})" if place not in ("", "content") else f"{shown}/(packed)"
            if place and depth >= DEEPEST:
                raise Unreadable(f"nested more than {DEEPEST} deep")
            if place:
                self.member(content, "", part, depth + 1, kind)
            else:
                self._search([content.read()], shown, "damaged packed data")

        return take

    def rows(self, stream: IO[bytes], shown: str, which: str) -> None:
        """Make the checks of a CSV that need whole cells, see RowCheck."""
        rows = self._rows(shown)
        try:
            rows.csv(stream, which)
        except UNREADABLE_ROWS:
            if rows.identities:
                self.tally.add(shown, "rows", UNREADABLE, "not CSV as PostgreSQL writes it")

    def _open(self, stream: IO[bytes], name: str, shown: str, depth: int, inside: str) -> None:
        head = stream.read(formats.HEAD)
        packed = formats.detect(head, name)
        if packed and depth >= DEEPEST:
            raise Unreadable(f"nested more than {DEEPEST} deep")
        whole = io.BufferedReader(formats.Prefixed(head, stream), BLOCK)
        if packed is None:
            self._plain(whole, name, shown, depth, _kind(head, inside))
        elif packed in ("zip", "parquet", "tar"):
            with self._seekable(stream, whole) as file:
                if packed == "parquet":
                    self._parquet(file, shown)
                else:
                    (self._zip if packed == "zip" else self._tar)(file, shown, depth)
        else:
            self._packed(whole, packed, name, shown, depth)

    def _packed(self, whole: IO[bytes], packed: str, name: str, shown: str, depth: int) -> None:
        def on_part(header: bytes) -> None:
            if packed == "gz":  # it may hold a file name and a comment
                self._search([header], shown, "gzip header")

        content = formats.unpack(whole, packed, on_part)
        if content is None:
            raise Unreadable(f"a format that cannot be searched ({packed})")
        self.member(content, name.rpartition(".")[0], shown, depth + 1)

    def _plain(self, stream: IO[bytes], name: str, shown: str, depth: int, kind: str) -> None:
        if not (self._matcher.needs_rows and name.lower().endswith(".csv")):
            self.byte_range(stream, name, shown, kind=kind, depth=depth)
            return
        with self._copied(stream) as file:
            self.byte_range(file, name, shown, kind=kind, depth=depth)
            for which in (NAMED, NUMBERS):
                file.seek(0)
                self.rows(file, shown, which)

    def _zip(self, file: IO[bytes], shown: str, depth: int) -> None:
        with zipfile.ZipFile(file) as archive:
            in_names: set[int] = set()
            for number, info in enumerate(archive.infolist()):
                inner, hits = self._name(info.filename, shown)
                in_names.update(hit.needle for hit in hits)
                if info.flag_bits & 0x1:
                    self.tally.add(inner, "content", UNREADABLE, "encrypted")
                elif not info.is_dir() or info.file_size:
                    self._content(archive, number, inner, depth + 1)
            spans = zip_gaps.member_spans(file, archive.infolist())
            self._gaps(file, spans, shown, "zip headers", depth, in_names)

    def _content(self, archive: zipfile.ZipFile, number: int, shown: str, depth: int) -> None:
        info = archive.infolist()[number]
        with archive.open(info) as content:
            self.member(content, info.filename, shown, depth)

    def _tar(self, file: IO[bytes], shown: str, depth: int) -> None:
        spans = []
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for info in archive:
                inner, _ = self._name(info.name, shown)
                content = archive.extractfile(info) if info.isreg() else None
                if content:
                    if not info.issparse():
                        spans.append((info.offset_data, info.offset_data + info.size))
                    self.member(content, info.name, inner, depth + 1)
        self._gaps(file, spans, shown, "tar headers", depth)

    def _gaps(
        self,
        file: IO[bytes],
        spans: list[tuple[int, int]],
        shown: str,
        place: str,
        depth: int,
        already: Iterable[int] = (),
    ) -> None:
        """Search what is outside the data of all members: headers, comments, members that no directory lists."""
        for gap in zip_gaps.gaps(file, spans):
            parts = Parts(self._part_taker(shown, kinds.TEXT, depth), self._spend)
            self._search(self._fed(parts, zip_gaps.read(file, gap)), shown, place, already=already)
            parts.close()

    @staticmethod
    def _fed(parts: Parts, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            parts.feed(block, lambda place: "content")
            yield block

    def _parquet(self, file: IO[bytes], shown: str) -> None:
        rows = self._rows(shown)
        for header, columns in parquet_texts.batches(file):
            for name, texts in zip(header, columns, strict=True):
                data = "\n".join(text for text in texts if text)
                self._search([data.encode("utf-8", "replace")], shown, f"column {self._safe(name)}")
            for which in (NAMED, NUMBERS):
                rows.table(header, zip(*columns, strict=True), which)
        file.seek(0)
        self._search(iter(lambda: file.read(BLOCK), b""), shown, "parquet metadata")

    def _seekable(self, stream: IO[bytes], whole: IO[bytes]) -> IO[bytes]:
        """Return the stream itself if it is a file on disk, else a temporary copy of `whole`."""
        if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
            stream.seek(0)
            return stream
        return self._copied(whole)

    def _copied(self, stream: IO[bytes]) -> IO[bytes]:
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
        while block := stream.read(BLOCK):
            self._spend(len(block))
            file.write(block)
        file.seek(0)
        return file

    def _rows(self, shown: str) -> RowCheck:
        def add_cells(needle: int, column: str, count: int) -> None:
            kind = self._matcher.needles[needle].kind
            self.tally.add(shown, f"column {self._safe(column)}", kind, "cell", count)

        return RowCheck(self._matcher, add_cells)

    def _name(self, name: str, parent: str = "") -> tuple[str, list[Hit]]:
        hits = shows.hits_in_name(name, self._matcher)
        shown = shows.path(name, hits, parent)
        for hit in hits:
            self._hit(shown, hit, "name")
        if seen := self._sightings(shown, lambda _: "name"):
            seen.feed(name.encode("utf-8", "surrogateescape"))
            seen.close()
        return shown, hits

    def _sightings(self, shown: str, describe: Callable[[int], str], *, settled: int = 0) -> Sightings | None:
        return Sightings(self._second, shown, describe, self._sighting, settled=settled) if self._second else None

    def _sighting(self, key: Key, kind: str) -> None:
        self.tally.sightings[key] += 1
        if kind:
            self.tally.add(key[0], key[1], kind, "second check")

    def _search(self, blocks: Iterable[bytes], shown: str, place: str, *, already: Iterable[int] = ()) -> None:
        def add_hit(hit: Hit, _: str) -> None:
            if hit.needle not in already:
                self._hit(shown, hit, place)

        searched = BlockSearch(self._matcher, HitLocation(self._safe), add_hit)
        seen = self._sightings(shown, lambda _: place)
        for block in blocks:
            searched.feed(block)
            if seen:
                seen.feed(block)
            self._count(len(block))
        searched.close()
        if seen:
            seen.close()

    def _spend(self, unpacked: int) -> None:
        self._left -= unpacked
        if self._left < 0:
            raise Unreadable("unpacks to more than a real file would")

    def _count(self, searched: int) -> None:
        self._spend(max(0, searched))
        self.tally.bytes += max(0, searched)
        if self._progress:
            self._progress(self.tally.bytes)

    def _hit(self, shown: str, hit: Hit, place: str) -> None:
        if shown in self._accounts and (hit.form == NUMBER or self._matcher.is_small_number(hit.needle)):
            return
        self.tally.add(shown, place, self._matcher.needles[hit.needle].kind, hit.form)


def _skip(stream: IO[bytes], length: int, place: HitLocation) -> bytes:
    """Read so many bytes without searching them; return the last of them."""
    tail = b""
    while length and (block := stream.read(min(BLOCK, length))):
        place.drop(block)
        length -= len(block)
        tail = (tail + block)[-formats.ZIP_TAIL :]
    return tail


def _kind(head: bytes, inside: str) -> str:
    """Return the kind of a member. Unknown data in a file of a known kind, such as a picture's pixels, is its own."""
    kind = kinds.kind_of(head)
    known_outside = inside not in (kinds.TEXT, kinds.UNKNOWN)
    return kinds.PART if known_outside and kind in (kinds.TEXT, kinds.UNKNOWN) else kind
