"""Sheets over HTTP: `/api/basic_data/` as PsyNet's users know it, `/api/basic_data/<sheet>/` from the registry."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from psynetdata.faces import IDENTIFIED, reading
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import NotFound, Problem, UsageError
from psynetdata.sheets import (
    BUILT_IN,
    Catalogue,
    DataError,
    MethodFailed,
    Sheet,
    basic_data_for,
    compute_basic_data,
    formats,
)

from . import output
from .access import deployment_of, face_of

logger = logging.getLogger(__name__)

_OURS = ("deployment", "face", "format")
_OF_PAGES = ("fields", "limit", "cursor")
# What get_basic_data gets from us; nobody may set it from outside.
_RESERVED = ("context", "anonymize", "using")
_MAX_LIMIT = 1_000  # a page is held in memory; the whole sheet streams

_PARAMETERS = [
    OpenApiParameter("deployment", description="PsyNet's deployment_id or our number; optional where there is one."),
    OpenApiParameter("face", enum=["anonymous", "identified"], description="anonymous narrows what you may see."),
    OpenApiParameter("format", enum=["json", "csv", "ndjson"], description="Else the Accept header decides."),
]
_PAGES = [
    OpenApiParameter("fields", description="Columns, comma-separated."),
    OpenApiParameter("limit", int, description=f"Rows of a page, up to {_MAX_LIMIT}; without it all rows stream."),
    OpenApiParameter("cursor", description="From the `next` link of the page before."),
    OpenApiParameter("<column>", description="Rows whose column equals the value; given twice, either."),
]
_ANSWERS = {(200, media): OpenApiTypes.OBJECT for media in ("application/json", "text/csv", "application/x-ndjson")}


class BasicDataView(APIView):
    """What get_basic_data returns where the deployment has one; else the registry's sheets."""

    renderer_classes = output.FORMATS
    content_negotiation_class = output.FormatNegotiation

    @extend_schema(
        operation_id="basic_data",
        summary="Basic data",
        parameters=[*_PARAMETERS, OpenApiParameter("sheet", description="Without it: all sheets.")],
        responses=_ANSWERS,
    )
    def get(self, request: Request) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        face = face_of(request)
        if basic_data_for(deployment) is not None:
            return _written(request, deployment, face)
        name = request.query_params.get("sheet")
        if name is not None:
            return _sheet(request, deployment, face, name, "sheet")
        return _all_sheets(request, deployment, face)


class SheetViewSet(ViewSet):
    """A sheet of the registry, whatever get_basic_data says."""

    renderer_classes = output.FORMATS
    content_negotiation_class = output.FormatNegotiation

    @extend_schema(operation_id="sheet", summary="A sheet", parameters=[*_PARAMETERS, *_PAGES], responses=_ANSWERS)
    def list(self, request: Request, sheet: str) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        return _sheet(request, deployment, face_of(request), sheet)

    @extend_schema(
        operation_id="sheet_row",
        summary="A row of a sheet",
        parameters=[*_PARAMETERS, _PAGES[0]],
        responses=_ANSWERS,
    )
    def retrieve(self, request: Request, sheet: str, row_id: str) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        face = face_of(request)
        _only(request, *_OURS, "fields")
        with reading(face):
            found = Catalogue(deployment, face).sheet(sheet, fields=_fields(request))
            etag = _etag(request, deployment, face, found.state)
            if output.is_known(request, etag):
                return output.not_modified(etag)
            row = found.find(row_id)
        if row is None:
            raise NotFound(f"The sheet {found.name} has no row {row_id[:40]!r}.")
        _record(request, deployment, face, found.name)
        return output.whole(request, _one(request, found, row), etag)


def _written(request: Request, deployment: Deployment, face: str) -> HttpResponseBase:
    """What the experimenter's method returns, for the parameters that are not ours."""
    asked = {name: values[0] for name, values in request.query_params.lists() if name not in _OURS}
    if reserved := sorted(asked.keys() & set(_RESERVED)):
        raise UsageError(f"{', '.join(reserved)} cannot be set in the address.")
    experiment = basic_data_for(deployment)
    try:
        found = compute_basic_data(deployment, using=face, context="route", **asked)
        body = _bytes_of(request, [] if found is None else found)
    except DataError as error:
        # Which names the method knows only it can tell; the registry's always work at /api/basic_data/<sheet>/.
        error.extra = {"sheets": list(experiment.sheets) or list(BUILT_IN)}
        raise
    except Problem:
        raise
    except (Exception, SystemExit) as error:  # theirs can raise anything; an exit() would end the whole server
        failed = MethodFailed(experiment, error)
        logger.error("%s.%s: %s", experiment.__module__, experiment.__qualname__, failed.sentence)
        raise failed from error
    # The method's code may use anything, so its ETag is the hash of what came out.
    etag = f'"{hashlib.sha256(body).hexdigest()[:40]}"'
    if output.is_known(request, etag):
        return output.not_modified(etag)
    _record(request, deployment, face, "get_basic_data")
    answer = output.whole(request, body, etag)
    if isinstance(found, list):
        answer["X-Total-Count"] = str(len(found))
    return answer


def _sheet(request: Request, deployment: Deployment, face: str, name: str, *known: str) -> HttpResponseBase:
    """A sheet; parameters that are none of ours, nor `known`, are filters."""
    ours = {*_OURS, *_OF_PAGES, *known}
    filters = {key: values for key, values in request.query_params.lists() if key not in ours}
    with ExitStack() as held:
        held.enter_context(reading(face))
        sheet = Catalogue(deployment, face).sheet(name, fields=_fields(request), filters=filters)
        limit, cursor = _limit(request), request.query_params.get("cursor")
        total = sheet.total()
        etag = _etag(request, deployment, face, sheet.state)
        if output.is_known(request, etag):
            return output.not_modified(etag)
        _record(request, deployment, face, sheet.name, filtered_by=sorted(filters))
        if limit is None:
            answer = output.streamed(request, lambda: _blocks(request, sheet), held, etag)
        else:
            answer = _page(request, sheet, cursor, limit, etag)
        answer["X-Total-Count"] = str(total)
        answer["X-Withheld-Columns"] = _names(sheet.withheld)
        return answer


def _all_sheets(request: Request, deployment: Deployment, face: str) -> HttpResponseBase:
    _only(request, *_OURS, "sheet")
    if _format(request) != output.JSON:
        raise UsageError(f"CSV and NDJSON hold one sheet; name it with sheet=, one of {', '.join(BUILT_IN)}.")
    with ExitStack() as held:
        held.enter_context(reading(face))
        sheets = Catalogue(deployment, face).built_in()
        etag = _etag(request, deployment, face, *(sheet.state for sheet in sheets))
        if output.is_known(request, etag):
            return output.not_modified(etag)
        _record(request, deployment, face, "all sheets")
        named = ((sheet.name, sheet.rows()) for sheet in sheets)
        answer = output.streamed(request, lambda: formats.json_lists(named), held, etag)
        answer["X-Withheld-Columns"] = _names(f"{sheet.name}.{column}" for sheet in sheets for column in sheet.withheld)
        return answer


def _page(request: Request, sheet: Sheet, cursor: str | None, limit: int, etag: str) -> HttpResponseBase:
    csv = _format(request) == output.CSV
    rows, following = sheet.page(cursor, limit, csv=csv)
    link = None
    if following:
        query = request.query_params.copy()
        query["cursor"], query["limit"] = following, str(limit)
        link = request.build_absolute_uri(f"{request.path}?{urlencode(list(_pairs(query)))}")
    if csv:
        body = b"".join(formats.csv(sheet.header, rows))
    elif _format(request) == output.NDJSON:
        body = b"".join(formats.ndjson(rows))
    else:
        body = formats.json_text({"next": link, "results": rows})
    answer = output.whole(request, body, etag)
    if link:
        answer["Link"] = f'<{link}>; rel="next"'
    return answer


def _blocks(request: Request, sheet: Sheet) -> Iterator[bytes]:
    wanted = _format(request)
    if wanted == output.CSV:
        return formats.csv(sheet.header, sheet.records())
    return formats.ndjson(sheet.rows()) if wanted == output.NDJSON else formats.json_list(sheet.rows())


def _one(request: Request, sheet: Sheet, row: dict[str, Any]) -> bytes:
    if _format(request) == output.CSV:
        return b"".join(formats.csv(*formats.table_of([row])))
    return formats.json_text(row) + (b"\n" if _format(request) == output.NDJSON else b"")


def _bytes_of(request: Request, found: Any) -> bytes:
    """What a method returned, in the format asked for; only a list of rows or a data frame has another than JSON."""
    wanted = _format(request)
    if wanted == output.JSON:
        return formats.json_text(found)
    rows = formats.plain(found) if hasattr(found, "columns") else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError("This deployment's basic data is no single list of rows; name a sheet, or take format=json.")
    if wanted == output.CSV:
        return b"".join(formats.csv(*formats.table_of(rows)))
    return b"".join(formats.ndjson(rows))


def _format(request: Request) -> str:
    return request.accepted_renderer.format


def _fields(request: Request) -> list[str] | None:
    asked = request.query_params.get("fields")
    return [name.strip() for name in asked.split(",") if name.strip()] if asked else None


def _limit(request: Request) -> int | None:
    """Rows of a page; None streams the whole sheet."""
    asked = request.query_params.get("limit")
    if asked is None:
        return _MAX_LIMIT if "cursor" in request.query_params else None
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10 and 1 <= int(asked) <= _MAX_LIMIT):
        raise UsageError(f"limit is a whole number from 1 to {_MAX_LIMIT}.")
    return int(asked)


def _names(columns: Iterable[str]) -> str:
    """For a header, which holds no comma, line end or accent of an experimenter's column as it is."""
    return ",".join(quote(column, safe="") for column in columns)


def _only(request: Request, *known: str) -> None:
    if unknown := sorted(set(request.query_params) - set(known)):
        raise UsageError(f"There is no parameter {', '.join(unknown)[:100]} here; there are {', '.join(known)}.")


def _pairs(query) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, values in query.lists() for value in values)


def _etag(request: Request, deployment: Deployment, face: str, *states: str) -> str:
    address = request.build_absolute_uri()
    return output.etag_of(address, _format(request), deployment.number, deployment.clock, face, *states)


def _record(request: Request, deployment: Deployment, face: str, target: str, **details) -> None:
    """Identified reads are on record (law 10). What was filtered for is not: it may be someone's id."""
    if face == IDENTIFIED and request.method != "HEAD":
        Audit.record(
            "read", user=request.user, deployment=deployment, target=f"sheet {target}", identified=True, **details
        )
