"""Response bodies in the requested format: a sheet, a page, a row, or the result of get_basic_data."""

from collections.abc import Iterator
from typing import Any

from rest_framework.request import Request

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets import Sheet
from psynetdata.sheets.output import formats, parquet, postgres_copy

from . import parameters, response


def sheet_body(request: Request, sheet: Sheet) -> Iterator[bytes]:
    """Yield all rows of a sheet in blocks."""
    wanted, options = request.accepted_renderer.format, _options(request)
    if wanted == response.PARQUET:
        return parquet.blocks(sheet)
    if wanted == response.CSV:
        by_copy = None if any(options.values()) else postgres_copy.csv(sheet)
        return by_copy or formats.csv(sheet.header, sheet.records(), **options)
    if wanted == response.NDJSON:
        by_copy = None if any(options.values()) else postgres_copy.ndjson(sheet)
        return by_copy or formats.ndjson(sheet.rows(), **options)
    return formats.json_list(sheet.rows())


def page_body(request: Request, sheet: Sheet, rows: list, following: str | None) -> bytes:
    wanted, options = request.accepted_renderer.format, _options(request)
    if wanted == response.CSV:
        return b"".join(formats.csv(sheet.header, rows, **options))
    if wanted == response.NDJSON:
        return b"".join(formats.ndjson(rows, **options))
    return formats.json_text({"next": following, "results": rows})


def row_body(request: Request, row: dict[str, Any]) -> bytes:
    return formats.json_text(row) if request.accepted_renderer.format == response.JSON else result_body(request, [row])


def result_body(request: Request, result: Any) -> bytes:
    """Return the result of a method as bytes; only a list of rows, or a data frame, has other formats than JSON."""
    wanted, options = request.accepted_renderer.format, _options(request)
    if wanted == response.JSON:
        return formats.json_text(result)
    rows = formats.plain(result) if hasattr(result, "columns") else result
    if wanted == response.PARQUET:
        raise UsageError("Parquet is available only for built-in sheets; use format=csv or format=ndjson.")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError("This deployment's basic data is not a list of rows; name a sheet, or use format=json.")
    if wanted == response.CSV:
        return b"".join(formats.csv(*formats.table_of(rows), **options))
    return b"".join(formats.ndjson(rows, **options))


def _options(request: Request) -> dict[str, bool]:
    """Return the options `excel` and `end_marker`; each is valid for only one format."""
    wanted = request.accepted_renderer.format
    for name, of in (("excel", response.CSV), ("end_marker", response.NDJSON)):
        if parameters.flag(request, name) and wanted != of:
            raise UsageError(f"{name} can be used only with format={of}.")
    if wanted == response.CSV:
        return {"for_excel": parameters.flag(request, "excel")}
    return {"end_marker": parameters.flag(request, "end_marker")} if wanted == response.NDJSON else {}
