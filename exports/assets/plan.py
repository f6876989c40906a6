"""Which asset files an export includes, where they come from, and what they are called in it."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psynetdata.psynet.asset_kinds import EXPERIMENT, EXTERNAL, ON_DEMAND, is_address, origin
from psynetdata.psynet.table_source import TableSource

WHICH = ("none", "experiment", "all")
NO_FILE = "its row names no file"

_MD5 = re.compile(r"[0-9a-f]{32}")
# PsyNet hashes the input of a function asset before the function has written it; that says nothing about the file.
_MD5_OF_NOTHING = hashlib.md5(b"", usedforsecurity=False).hexdigest()
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")
_MB = 1024 * 1024  # psynet.utils.bytes_to_megabytes


@dataclass(frozen=True)
class PlannedAsset:
    """A row of `asset` whose file is wanted.

    `host_path` is relative to the assets' location. An external asset has a `url` instead; an on-demand asset has a
    `secret`, with which the experiment is asked. With none of them there is no file, and `why_none` says why. `md5` and
    `size` (bytes; of a folder, all its files together) are what the row claims, None if it claims nothing.
    """

    id: int
    host_path: str | None
    export_path: str
    md5: str | None = None
    size: int | None = None
    why_none: str = ""
    url: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    is_folder: bool = False

    @property
    def may_be_a_page(self) -> bool:
        """Whether a web page that is sent may be the file itself: by its name, or if the file can be checked."""
        return bool(self.claim) or self.export_path.lower().endswith((".html", ".htm", ".xhtml"))

    @property
    def source(self) -> str:
        """Names where the file comes from; a hash, because paths, addresses and secrets can reveal people."""
        where = f"{self.host_path}\0{self.url}\0{self.secret and f'{self.id} {self.secret}'}"
        return hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def claim(self) -> str:
        """What the row says of the file's content; empty if it says nothing."""
        return "" if self.md5 is None and self.size is None else f"{self.md5 or ''}:{self.size or ''}"

    def differs(self, md5: str, size: int) -> str:
        """Return why a file is not the one that the row describes; empty if it is."""
        if self.size is not None and size != self.size:
            return "its size is not the one in its row"
        if self.md5 is not None and md5 != self.md5:
            return "its MD5 is not the one in its row"
        return ""


def rows_of(source: TableSource) -> Iterator[dict[str, str | None]]:
    """Yield rows of the table asset as dictionaries."""
    if "asset" in source.tables():
        names = [column.name for column in source.columns("asset")]
        yield from (dict(zip(names, row, strict=True)) for row in source.rows("asset"))


def plan(rows: Iterable[dict[str, str | None]], which: str) -> Iterator[PlannedAsset]:
    """Yield the assets that `which` (one of WHICH) includes, in the order of the rows (dictionaries by column name).

    `experiment`: files that the experiment made: psynet.asset.ExperimentAsset and its subclasses, such as Recording.
    """
    if which == "none":
        return
    for row in rows:
        kind = origin(row)
        if which == "all" or kind == EXPERIMENT:
            yield _planned(row, kind)


def export_path(row: dict[str, str | None]) -> str:
    """Return where PsyNet puts the file below `assets/`; `asset-<id>` if the row does not say, or must not."""
    extension = row.get("extension") or ""
    return row.get("export_path") or f"asset-{row['id']}{extension if _EXTENSION.fullmatch(extension) else ''}"


def _planned(row: dict[str, str | None], kind: str) -> PlannedAsset:
    is_folder, size = row.get("is_folder") == "t", _bytes(row.get("size_mb"))
    md5 = row.get("md5_contents") or ""
    believed = _MD5.fullmatch(md5) and (md5 != _MD5_OF_NOTHING or size == 0)
    path, url = row.get("host_path"), row.get("url")
    address = next((text for text in (url, path) if is_address(text)), "") if kind == EXTERNAL else ""
    secret = (row.get("secret") or "") if kind == ON_DEMAND else ""
    fields = {} if kind in (EXTERNAL, ON_DEMAND) else {"host_path": path or None}
    return PlannedAsset(
        id=int(row["id"] or 0),
        host_path=fields.get("host_path"),
        export_path=export_path(row),
        md5=md5 if believed else None,
        size=size,
        why_none="" if address or secret or fields.get("host_path") else NO_FILE,
        url=address or "",
        secret=secret,
        is_folder=is_folder,
    )


def _bytes(size_mb: str | None) -> int | None:
    """Return whole bytes, if the number is of whole bytes; the division by 2**20 loses nothing below 8 PB."""
    try:
        exact = float(size_mb or "") * _MB
        return int(exact) if exact >= 0 and exact == int(exact) else None
    except (ValueError, OverflowError):
        return None
