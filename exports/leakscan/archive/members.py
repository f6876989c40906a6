"""Go through everything in an archive: members within members, names, and the bytes between them."""

import io
import lzma
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

from . import formats, parquet_texts, zip_gaps
from .formats import Unreadable

DEEPEST = 8
_IN_MEMORY = 8 << 20
_MOST_NAMES = 1000

# What damaged or unusual archives raise while they are read.
_READ_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError),
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
    ):
        self.tally = Tally()
        self._matcher = matcher
        self._accounts = {f"archive/{name}" for name in accounts}
        self._progress = progress
        self._safe = lru_cache(_MOST_NAMES)(partial(shows.safe, matcher=matcher))  # hits share few columns

    def member(self, stream: IO[bytes], name: str, shown: str, depth: int = 0) -> None:
        """Search one member of any kind."""
        self.tally.members += 1
        with self.readable(shown):
            self._open(stream, name, shown, depth)

    @contextmanager
    def readable(self, shown: str) -> Iterator[None]:
        """Turn whatever cannot be searched into a finding of kind `unreadable`."""
        try:
            yield
        except Unreadable as reason:
            self.tally.add(shown, "content", UNREADABLE, str(reason))
        except _READ_ERRORS as error:
            self.tally.add(shown, "content", UNREADABLE, f"damaged ({type(error).__name__})")

    def byte_range(self, stream: IO[bytes], name: str, shown: str, start: int = 0, end: int | None = None) -> None:
        """Search the bytes [start, end) of an uncompressed member; hits belong to the part in which they end."""
        place = location_for(name, self._safe)
        begin = max(0, start - self._matcher.reach)
        tail = _skip(stream, begin, place)
        blocks = BlockSearch(self._matcher, place, partial(self._hit, shown), settled=start - begin)
        position, stop = begin, None if end is None else end + GUARD
        while block := stream.read(BLOCK if stop is None else min(BLOCK, stop - position)):
            blocks.feed(block)
            position += len(block)
            tail = (tail + block)[-formats.ZIP_TAIL :]
            self._count(min(position, end or position) - max(position - len(block), start))
        blocks.close(beyond=0 if end is None else max(0, position - end))
        if end is None and formats.ends_as_zip(tail):
            raise Unreadable("a zip after other bytes")

    def rows(self, stream: IO[bytes], shown: str, which: str) -> None:
        """Make the checks of a CSV that need whole cells, see RowCheck."""
        rows = self._rows(shown)
        try:
            rows.csv(stream, which)
        except UNREADABLE_ROWS:
            if rows.identities:
                self.tally.add(shown, "rows", UNREADABLE, "not CSV as PostgreSQL writes it")

    def _open(self, stream: IO[bytes], name: str, shown: str, depth: int) -> None:
        head = stream.read(formats.HEAD)
        packed = formats.detect(head, name)
        if packed and depth >= DEEPEST:
            raise Unreadable(f"nested more than {DEEPEST} deep")
        whole = io.BufferedReader(formats.Prefixed(head, stream), BLOCK)
        if packed is None:
            self._plain(whole, name, shown)
        elif packed in ("zip", "parquet"):
            with _seekable(stream, whole) as file:
                self._zip(file, shown, depth) if packed == "zip" else self._parquet(file, shown)
        elif packed == "tar":
            self._tar(whole, shown, depth)
        else:
            self._packed(whole, head, packed, name, shown, depth)

    def _packed(self, whole: IO[bytes], head: bytes, packed: str, name: str, shown: str, depth: int) -> None:
        content = formats.unpack(whole, packed)
        if content is None:
            raise Unreadable(f"a format that cannot be searched ({packed})")
        if packed == "gz":  # its header may hold a file name and a comment
            self._search([head], shown, "gzip header")
        self.member(content, name.rpartition(".")[0], shown, depth + 1)

    def _plain(self, stream: IO[bytes], name: str, shown: str) -> None:
        if not (self._matcher.needs_rows and name.lower().endswith(".csv")):
            self.byte_range(stream, name, shown)
            return
        with _copied(stream) as file:
            self.byte_range(file, name, shown)
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
            for gap in zip_gaps.gaps(file, archive.infolist()):
                self._search(zip_gaps.read(file, gap), shown, "zip headers", already=in_names)

    def _content(self, archive: zipfile.ZipFile, number: int, shown: str, depth: int) -> None:
        info = archive.infolist()[number]
        with archive.open(info) as content:
            self.member(content, info.filename, shown, depth)

    def _tar(self, stream: IO[bytes], shown: str, depth: int) -> None:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                inner, _ = self._name(info.name, shown)
                header = "\n".join([info.linkname, info.uname, info.gname, *info.pax_headers.values()])
                self._search([header.encode("utf-8", "surrogateescape")], inner, "tar header")
                content = archive.extractfile(info) if info.isreg() else None
                if content:
                    self.member(content, info.name, inner, depth + 1)

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
        return shown, hits

    def _search(self, blocks: Iterable[bytes], shown: str, place: str, *, already: Iterable[int] = ()) -> None:
        def add_hit(hit: Hit, _: str) -> None:
            if hit.needle not in already:
                self._hit(shown, hit, place)

        searched = BlockSearch(self._matcher, HitLocation(self._safe), add_hit)
        for block in blocks:
            searched.feed(block)
            self._count(len(block))
        searched.close()

    def _count(self, searched: int) -> None:
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


def _seekable(stream: IO[bytes], whole: IO[bytes]) -> IO[bytes]:
    """Return the stream itself if it is a file on disk, else a temporary copy of `whole`."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        stream.seek(0)
        return stream
    return _copied(whole)


def _copied(stream: IO[bytes]) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    while block := stream.read(BLOCK):
        file.write(block)
    file.seek(0)
    return file
