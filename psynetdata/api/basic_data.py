"""Sheets over HTTP: `/api/basic_data/` as in PsyNet, and `/api/basic_data/<sheet>/` from the registry."""

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
from psynetdata.psynet.problems import Forbidden, NotFound, Problem, UsageError
from psynetdata.sheets import BUILT_IN, Catalogue, DataError, MethodFailed, Sheet, basic_data_for, compute_basic_data
from psynetdata.sheets.output import text_blocks
from psynetdata.sheets.output.registry import FORMATS, listed

from . import parameters, past_sheets, response, response_body
from .access import check_sheet, deployment_of, face_of, visible_deployments
from .authentication import LinkAuthentication

logger = logging.getLogger(__name__)

# Arguments that we pass to get_basic_data; a request may not set them.
_RESERVED = ("context", "anonymize", "using")
_CONTENTS = {"json": OpenApiTypes.ANY, "text": OpenApiTypes.STR, "binary": OpenApiTypes.BINARY}
_ANSWERS = {**{(200, each.media_type): _CONTENTS[each.content] for each in FORMATS.values()}, 304: None}


class BasicDataView(APIView):
    """The result of the deployment's get_basic_data if it has one, otherwise the registry's sheets."""

    of_sheets = True
    renderer_classes = response.RENDERERS
    content_negotiation_class = response.FormatNegotiation

    @extend_schema(
        operation_id="basic_data",
        summary="Basic data",
        parameters=[*parameters.ASKING, OpenApiParameter("sheet", description="Without it: all sheets.")],
        responses=_ANSWERS,
    )
    def get(self, request: Request) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        face = face_of(request)
        if basic_data_for(deployment) is not None:
            check_sheet(request, "get_basic_data")
            return _written(request, deployment, face)
        name = request.query_params.get("sheet")
        if name is not None:
            return _sheet(request, deployment, face, name, "sheet")
        check_sheet(request, "all sheets")
        return _all_sheets(request, deployment, face)


class SheetViewSet(ViewSet):
    """A sheet of the registry, even if the deployment has a get_basic_data."""

    of_sheets = True
    renderer_classes = response.RENDERERS
    content_negotiation_class = response.FormatNegotiation

    @extend_schema(
        operation_id="sheet", summary="A sheet", parameters=[*parameters.ASKING, *parameters.PAGES], responses=_ANSWERS
    )
    def list(self, request: Request, sheet: str) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        return _sheet(request, deployment, face_of(request), sheet)

    @extend_schema(
        operation_id="sheet_row",
        summary="A row of a sheet",
        parameters=[*parameters.ASKING, parameters.PAGES[0]],
        responses=_ANSWERS,
    )
    def retrieve(self, request: Request, sheet: str, row_id: str) -> HttpResponseBase:
        deployment = deployment_of(request, request.query_params.get("deployment"))
        face = face_of(request)
        whole_name = f"{sheet}/{row_id}"
        if whole_name in _names_of_sheets(deployment, face):
            return _sheet(request, deployment, face, whole_name)
        check_sheet(request, sheet)
        parameters.only(request, *parameters.OURS, "fields")
        with reading(face):
            catalogue = Catalogue(deployment, face)
            etag = _etag(request, deployment, face, catalogue.state_of(sheet))
            if response.is_known(request, etag):
                return response.not_modified(request, etag)
            rows = catalogue.sheet(sheet, fields=parameters.names(request, "fields"))
            row = rows.find(row_id)
        if row is None:
            raise NotFound(f"The sheet {rows.name} has no row {row_id[:40]!r}.")
        _record(request, deployment, face, rows.name, rows=1)
        return response.whole(request, response_body.row_body(request, row), etag)

    def sheet_or_row(self, request: Request, address: str) -> HttpResponseBase:
        """Answer with a sheet whose name has slashes, or with a row of it."""
        sheet, slash, row_id = address.rpartition("/")
        return self.retrieve(request, sheet, row_id) if slash else self.list(request, address)


class LinkView(APIView):
    """The sheet that a signed link shows; parameters can only narrow it."""

    authentication_classes = (LinkAuthentication,)
    renderer_classes = response.RENDERERS
    content_negotiation_class = response.FormatNegotiation

    @extend_schema(
        operation_id="linked_sheet",
        auth=[],  # the URL itself is signed
        summary="A sheet by a signed link",
        parameters=[*parameters.ASKING[1:], *parameters.PAGES],
        responses=_ANSWERS,
    )
    def get(self, request: Request, signed: str) -> HttpResponseBase:
        link = request.auth
        if "deployment" in request.query_params:
            raise UsageError("A link shows one deployment; the parameter deployment is not allowed here.")
        if not visible_deployments(request).filter(pk=link.deployment_id).exists():
            raise Forbidden("The owner of this link may no longer see the deployment; ask for another link.")
        return _sheet(request, link.deployment, face_of(request), link.sheet)


def _written(request: Request, deployment: Deployment, face: str) -> HttpResponseBase:
    """Answer with the result of the experimenter's method, which gets all parameters that are not ours."""
    asked = {name: values[0] for name, values in request.query_params.lists() if name not in parameters.OURS}
    if reserved := sorted(asked.keys() & set(_RESERVED)):
        raise UsageError(f"{', '.join(reserved)} cannot be set in the URL.")
    experiment = basic_data_for(deployment)
    with reading(face):
        etag = _etag(request, deployment, face, Catalogue(deployment, face).state, experiment.source_hash())
        if response.is_known(request, etag):
            return response.not_modified(request, etag)
        result, body = _computed(request, deployment, face, experiment, asked)
    rows = len(result) if hasattr(result, "__len__") and not isinstance(result, dict) else None
    _record(request, deployment, face, "get_basic_data", rows=rows)
    answer = response.whole(request, body, etag)
    if isinstance(result, list):
        answer["X-Total-Count"] = str(rows)
    return answer


def _computed(request: Request, deployment: Deployment, face: str, experiment: type, asked: dict) -> tuple[Any, bytes]:
    """Return (the method's result, the result as bytes). Its errors become a Problem that does not quote any data."""
    try:
        result = compute_basic_data(deployment, using=face, context="route", **asked)
        return result, response_body.result_body(request, [] if result is None else result)
    except DataError as error:
        # Only the method knows its sheets; the registry's names always work at /api/basic_data/<sheet>/.
        error.extra = {"sheets": list(experiment.sheets) or list(BUILT_IN)}
        raise
    except Problem:
        raise
    except (Exception, SystemExit) as error:  # their code can raise anything; an exit() would end the whole server
        failed = MethodFailed(experiment, error)
        logger.error("%s.%s: %s\n%s", experiment.__module__, experiment.__qualname__, failed.sentence, failed.trace)
        raise failed from None


def _sheet(request: Request, deployment: Deployment, face: str, name: str, *known: str) -> HttpResponseBase:
    """Answer with a sheet; parameters that are neither ours nor in `known` are filters."""
    check_sheet(request, name)
    ours = (*parameters.OURS, *parameters.OF_TIME, *parameters.OF_PAGES, *known)
    filters = {key: values for key, values in request.query_params.lists() if key not in ours}
    moments = past_sheets.asked(request, deployment)
    with ExitStack() as held:
        held.enter_context(reading(face))
        catalogue = Catalogue(deployment, face)
        etag = _etag(request, deployment, face, catalogue.state_of(name), *moments.names)
        if response.is_known(request, etag):
            return response.not_modified(request, etag)
        limit, cursor = parameters.limit(request), request.query_params.get("cursor")
        sheet = past_sheets.sheet(
            moments,
            catalogue,
            name,
            held,
            fields=parameters.names(request, "fields"),
            order=parameters.names(request, "order"),
            filters=filters,
            known=ours,
        )
        total = sheet.total()
        if limit is None:
            blocks = response_body.sheet_body(request, sheet)
            answer = response.streamed(request, lambda: blocks, held, etag)
        else:
            answer = _page(request, sheet, cursor, limit, etag)
        _record(
            request, deployment, face, sheet.name, rows=total if limit is None else min(limit, total), filters=filters
        )
        answer["X-Total-Count"] = str(total)
        answer["X-Withheld-Columns"] = _names(sheet.withheld)
        return answer


def _all_sheets(request: Request, deployment: Deployment, face: str) -> HttpResponseBase:
    parameters.only(request, *parameters.OURS, "sheet")
    if not response.format_of(request).holds_several:
        titles = listed([each.title for each in FORMATS.values() if not each.holds_several], "and")
        raise UsageError(f"{titles} contain one sheet; name it with sheet=, one of {', '.join(BUILT_IN)}.")
    with ExitStack() as held:
        held.enter_context(reading(face))
        catalogue = Catalogue(deployment, face)
        etag = _etag(request, deployment, face, *map(catalogue.state_of, BUILT_IN))
        if response.is_known(request, etag):
            return response.not_modified(request, etag)
        sheets = catalogue.built_in()
        _record(request, deployment, face, "all sheets", rows=sum(sheet.total() for sheet in sheets))
        named = ((sheet.name, sheet.rows()) for sheet in sheets)
        answer = response.streamed(request, lambda: text_blocks.json_lists(named), held, etag)
        answer["X-Withheld-Columns"] = _names(f"{sheet.name}.{column}" for sheet in sheets for column in sheet.withheld)
        return answer


def _names_of_sheets(deployment: Deployment, face: str) -> list[str]:
    with reading(face):
        return Catalogue(deployment, face).names()


def _page(request: Request, sheet: Sheet, cursor: str | None, limit: int, etag: str) -> HttpResponseBase:
    wanted = response.format_of(request)
    if not wanted.has_pages:
        raise UsageError(f"{wanted.title} has no pages; leave out limit and cursor.")
    rows, following = sheet.page(cursor, limit, csv=wanted.has_cells)
    link = None
    if following:
        query = request.query_params.copy()
        query["cursor"], query["limit"] = following, str(limit)
        link = request.build_absolute_uri(f"{request.path}?{urlencode(list(_pairs(query)))}")
    answer = response.whole(request, response_body.page_body(request, sheet, rows, link), etag)
    if link:
        answer["Link"] = f'<{link}>; rel="next"'
    return answer


def _names(columns: Iterable[str]) -> str:
    """Encode column names for an HTTP header, which cannot contain their commas, line ends and accents."""
    return ",".join(quote(column, safe="") for column in columns)


def _pairs(query) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, values in query.lists() for value in values)


def _etag(request: Request, deployment: Deployment, face: str, *states: str) -> str:
    address, wanted = request.build_absolute_uri(), request.accepted_renderer.format
    return response.etag_of(address, wanted, deployment.number, deployment.clock, face, *states)


def _record(request: Request, deployment: Deployment, face: str, target: str, *, rows: int | None, filters=()) -> None:
    """Record the read in the audit log (law 10), without the values of filters, which may be someone's id."""
    if request.method != "HEAD":
        Audit.record(
            "read",
            user=request.user,
            deployment=deployment,
            target=f"sheet {target}",
            identified=face == IDENTIFIED,
            **({} if rows is None else {"rows": rows}),
            **({"filtered_by": sorted(filters)} if filters else {}),
        )
