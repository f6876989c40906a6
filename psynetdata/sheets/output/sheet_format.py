"""The base of all formats in which sheets are read."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from psynetdata.psynet.problems import UsageError

from . import text_blocks

if TYPE_CHECKING:
    from psynetdata.sheets.sheet import Sheet

Rows = Iterable[Any]


class SheetFormat:
    """How a sheet, a page of it, or the result of get_basic_data becomes bytes. A format is a subclass, and a line in
    registry.py.

    `name`: the value of `format=`; `title`: its name in sentences. `content`: binary content is not compressed again.
    `flag`: a parameter that only this format has, with its description.
    """

    name: str
    title: str
    media_type: str
    charset: str | None = None
    content: Literal["json", "text", "binary"] = "text"
    flag, flag_help = "", ""
    # Whether one answer can hold several sheets, whether a sheet has pages, and whether its rows are lists of cells.
    holds_several, has_pages, has_cells = False, True, False

    @property
    def content_type(self) -> str:
        return self.media_type

    def check_installed(self) -> None:
        """Raise UsageError if a package that the format needs is missing."""

    def sheet(self, sheet: "Sheet", flag: bool) -> Iterator[bytes]:
        """Return the whole sheet in blocks."""
        raise NotImplementedError

    def page(self, header: list[str], rows: list, following: str | None, flag: bool) -> bytes:
        """Return a page, for a format that `has_pages`. `following`: the next page's address."""
        raise NotImplementedError

    def row(self, row: dict[str, Any], flag: bool) -> bytes:
        return self.result([row], flag)

    def result(self, result: Any, flag: bool) -> bytes:
        """Return the result of a method. Only a list of rows, or a data frame, has other formats than JSON."""
        rows = text_blocks.plain(result) if hasattr(result, "columns") else result
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UsageError("This deployment's basic data is not a list of rows; name a sheet, or use format=json.")
        return self.dictionaries(rows, flag)

    def dictionaries(self, rows: list[dict[str, Any]], flag: bool) -> bytes:
        raise NotImplementedError
