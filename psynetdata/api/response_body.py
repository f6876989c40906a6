"""Response bodies in the requested format: a sheet, a page, a row, or the result of get_basic_data."""

from collections.abc import Iterator
from typing import Any

from rest_framework.request import Request

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets import Sheet
from psynetdata.sheets.output.registry import FORMATS

from . import parameters
from .response import format_of


def sheet_body(request: Request, sheet: Sheet) -> Iterator[bytes]:
    """Return all rows of a sheet in blocks."""
    return format_of(request).sheet(sheet, _flag(request))


def page_body(request: Request, sheet: Sheet, rows: list, following: str | None) -> bytes:
    return format_of(request).page(sheet.header, rows, following, _flag(request))


def row_body(request: Request, row: dict[str, Any]) -> bytes:
    return format_of(request).row(row, _flag(request))


def result_body(request: Request, result: Any) -> bytes:
    """Return the result of a method as bytes; only a list of rows, or a data frame, has other formats than JSON."""
    return format_of(request).result(result, _flag(request))


def _flag(request: Request) -> bool:
    """Return the parameter that only this format has. Raises UsageError for another format's."""
    wanted = format_of(request)
    for each in FORMATS.values():
        if each.flag and parameters.flag(request, each.flag) and each is not wanted:
            raise UsageError(f"{each.flag} can be used only with format={each.name}.")
    return bool(wanted.flag) and parameters.flag(request, wanted.flag)
