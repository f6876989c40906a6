from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import text_blocks
from .sheet_format import SheetFormat

if TYPE_CHECKING:
    from psynetdata.sheets.sheet import Sheet


class JsonFormat(SheetFormat):
    name, title, media_type, charset = "json", "JSON", "application/json", "utf-8"
    content = "json"
    holds_several = True

    def sheet(self, sheet: "Sheet", flag: bool) -> Iterator[bytes]:
        return text_blocks.json_list(sheet.rows())

    def page(self, header: list[str], rows: list, following: str | None, flag: bool) -> bytes:
        return text_blocks.json_text({"next": following, "results": rows})

    def row(self, row: dict[str, Any], flag: bool) -> bytes:
        return text_blocks.json_text(row)

    def result(self, result: Any, flag: bool) -> bytes:
        return text_blocks.json_text(result)
