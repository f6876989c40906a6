from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import postgres_copy, text_blocks
from .sheet_format import SheetFormat

if TYPE_CHECKING:
    from psynetdata.sheets.sheet import Sheet


class CsvFormat(SheetFormat):
    name, title, media_type, charset = "csv", "CSV", "text/csv", "utf-8"
    flag, flag_help = "excel", "CSV for Excel: with a byte order mark, and without formulas."
    has_cells = True

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset=utf-8"

    def sheet(self, sheet: "Sheet", flag: bool) -> Iterator[bytes]:
        by_copy = None if flag else postgres_copy.csv(sheet)
        return by_copy or text_blocks.csv(sheet.header, sheet.records(), for_excel=flag)

    def page(self, header: list[str], rows: list, following: str | None, flag: bool) -> bytes:
        return b"".join(text_blocks.csv(header, rows, for_excel=flag))

    def dictionaries(self, rows: list[dict[str, Any]], flag: bool) -> bytes:
        return b"".join(text_blocks.csv(*text_blocks.table_of(rows), for_excel=flag))
