"""Walking through everything an archive holds: members within members, names, and the bytes between them."""

import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from . import formats, parquet, zipgaps
from . import shown as shows
from .blocks import BLOCK, BlockSearch
from .formats import Unreadable
from .matcher import Hit, Matcher
from .places import Place, place_for
from .report import UNREADABLE, Tally
from .rows import UNREADABLE_ROWS, RowCheck

DEEPEST = 8
_IN_MEMORY = 8 << 20

# What damaged or foreign archives raise while they are read.
_READ_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError),
)


class Walk:
    """Searches members and all that is within them; what it finds goes to the tally.

    In every method `shown` is the member's path as a report may show it.
    """

    def __init__(
        self,
        matcher: Matcher,
        tally: Tally,
        progress: Callable[[int], None] | None = None,
        accounts: Collection[str] = (),
    ):
        self._matcher = matcher
        self._accounts = {f"archive/{name}" for name in accounts}
        self._tally = tally
        self._progress = progress

    def folder(self, root: Path) -> None:
        """Every file below a folder. A link is unreadable: what it leads to is not in the archive."""
        for path in sorted(root.rglob("*")):
            shown, _ = self._name(path.relative_to(root).as_posix())
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                self._tally.add(shown, "content", UNREADABLE, "a link or a device")
            elif path.is_file():
                with path.open("rb") as stream:
                    self.member(stream, path.name, shown)

    def member(self, stream: BinaryIO, name: str, shown: str, depth: int = 0) -> None:
        """Search one member. Whatever cannot be looked into becomes a finding of kind `unreadable`."""
        self._tally.members += 1
        try:
            self._open(stream, name, shown, depth)
        except Unreadable as reason:
            self._tally.add(shown, "content", UNREADABLE, str(reason))
        except _READ_ERRORS as error:
            self._tally.add(shown, "content", UNREADABLE, f"damaged ({type(error).__name__})")

    def _open(self, stream: BinaryIO, name: str, shown: str, depth: int) -> None:
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

    def _packed(self, whole: BinaryIO, head: bytes, packed: str, name: str, shown: str, depth: int) -> None:
        content = formats.unpack(whole, packed)
        if content is None:
            raise Unreadable(f"a format that cannot be looked into ({packed})")
        if packed == "gz":  # its header may hold a file name and a comment
            self._search([head], shown, "gzip header")
        self.member(content, name.rpartition(".")[0], shown, depth + 1)

    def _plain(self, stream: BinaryIO, name: str, shown: str) -> None:
        blocks = self._blocks(shown, place_for(name, self._safe))
        watched = io.BufferedReader(_Watched(stream, lambda block: self._feed(blocks, block)), BLOCK)
        rows = self._rows(shown)
        if rows.needed and name.lower().endswith(".csv"):
            try:
                rows.csv(watched)
            except UNREADABLE_ROWS:
                if rows.identities:
                    self._tally.add(shown, "rows", UNREADABLE, "not CSV as PostgreSQL writes it")
        tail = b""
        while block := watched.read(BLOCK):
            tail = (tail + block)[-formats.ZIP_TAIL :]
        blocks.close()
        if formats.ends_as_zip(tail):
            raise Unreadable("a zip behind other bytes")

    def _zip(self, file: BinaryIO, shown: str, depth: int) -> None:
        with zipfile.ZipFile(file) as archive:
            in_names: set[int] = set()
            for info in archive.infolist():
                inner, hits = self._name(info.filename, shown)
                in_names.update(hit.needle for hit in hits)
                if info.flag_bits & 0x1:
                    self._tally.add(inner, "content", UNREADABLE, "encrypted")
                elif not info.is_dir() or info.file_size:
                    with archive.open(info) as content:
                        self.member(content, info.filename, inner, depth + 1)
            for gap in zipgaps.gaps(file, archive.infolist()):
                self._search(zipgaps.read(file, gap), shown, "zip headers", already=in_names)

    def _tar(self, stream: BinaryIO, shown: str, depth: int) -> None:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for info in archive:
                inner, _ = self._name(info.name, shown)
                header = "\n".join([info.linkname, info.uname, info.gname, *info.pax_headers.values()])
                self._search([header.encode("utf-8", "surrogateescape")], inner, "tar header")
                content = archive.extractfile(info) if info.isreg() else None
                if content:
                    self.member(content, info.name, inner, depth + 1)

    def _parquet(self, file: BinaryIO, shown: str) -> None:
        rows = self._rows(shown)
        for header, columns in parquet.batches(file):
            for name, texts in zip(header, columns, strict=True):
                data = "\n".join(text for text in texts if text)
                self._search([data.encode("utf-8", "replace")], shown, f"column {self._safe(name)}")
            rows.table(header, map(list, zip(*columns, strict=True)))
        file.seek(0)
        self._search(iter(lambda: file.read(BLOCK), b""), shown, "parquet metadata")

    def _rows(self, shown: str) -> RowCheck:
        def found(needle: int, column: str) -> None:
            self._tally.add(shown, f"column {self._safe(column)}", self._matcher.needles[needle].kind, "cell")

        return RowCheck(self._matcher, found)

    def _name(self, name: str, parent: str = "") -> tuple[str, list[Hit]]:
        hits = shows.hits_in_name(name, self._matcher)
        shown = shows.path(name, hits, parent)
        for hit in hits:
            self._hit(shown, "name", hit)
        return shown, hits

    def _search(self, blocks: Iterable[bytes], shown: str, place: str, *, already: Iterable[int] = ()) -> None:
        def found(hit: Hit, _: str) -> None:
            if hit.needle not in already:
                self._hit(shown, place, hit)

        searched = BlockSearch(self._matcher, Place(self._safe), found)
        for block in blocks:
            self._feed(searched, block)
        searched.close()

    def _safe(self, text: str) -> str:
        return shows.safe(text, self._matcher)

    def _blocks(self, shown: str, place: Place) -> BlockSearch:
        return BlockSearch(self._matcher, place, lambda hit, where: self._hit(shown, where, hit))

    def _feed(self, blocks: BlockSearch, block: bytes) -> None:
        blocks.feed(block)
        self._tally.bytes += len(block)
        if self._progress:
            self._progress(self._tally.bytes)

    def _hit(self, shown: str, place: str, hit: Hit) -> None:
        if shown in self._accounts and self._matcher.is_small_number(hit.needle):
            return
        self._tally.add(shown, place, self._matcher.needles[hit.needle].kind, hit.form)


class _Watched(io.RawIOBase):
    """A stream that shows each block to somebody while it is read."""

    def __init__(self, stream: BinaryIO, watch: Callable[[bytes], None]):
        self._stream = stream
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        block = self._stream.read(len(target))
        if block:
            self._watch(block)
        target[: len(block)] = block
        return len(block)


def _seekable(stream: BinaryIO, whole: BinaryIO) -> BinaryIO:
    """The stream itself where it is a file on disk, else a temporary copy of `whole`."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        stream.seek(0)
        return stream
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    while block := whole.read(BLOCK):
        file.write(block)
    file.seek(0)
    return file
