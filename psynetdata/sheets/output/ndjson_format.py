from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import postgres_copy, text_blocks
from .sheet_format import SheetFormat

if TYPE_CHECKING:
    from psynetdata.sheets.sheet import Sheet


class NdjsonFormat(SheetFormat):
    name, title, media_type, charset = "ndjson", "NDJSON", "application/x-ndjson", "utf-8"
    flag, flag_help = "end_marker", 'NDJSON ends with {"end": true, "rows": n}.'

    def sheet(self, sheet: "Sheet", flag: bool) -> Iterator[bytes]:
        by_copy = None if flag else postgres_copy.ndjson(sheet)
        return by_copy or text_blocks.ndjson(sheet.rows(), end_marker=flag)

    def page(self, header: list[str], rows: list, following: str | None, flag: bool) -> bytes:
        return self.dictionaries(rows, flag)

    def dictionaries(self, rows: list[dict[str, Any]], flag: bool) -> bytes:
        return b"".join(text_blocks.ndjson(rows, end_marker=flag))
