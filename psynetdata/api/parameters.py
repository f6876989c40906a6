"""The parameters of sheets, in addition to their columns: read, checked, and described for the schema."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.output.registry import FLAGS, FORMATS
from psynetdata.sheets.query.conditions import LOOKUPS

OURS = ("deployment", "face", "format", *FLAGS)
OF_TIME = ("since", "snapshot", "as_of")
OF_PAGES = ("fields", "order", "limit", "cursor")
MAX_LIMIT = 1_000  # a page is kept in memory; a whole sheet is streamed
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

ASKING = [
    OpenApiParameter("deployment", description="PsyNet's deployment_id or our number; optional if there is only one."),
    OpenApiParameter("face", enum=["anonymous", "identified"], description="anonymous shows less than you may see."),
    OpenApiParameter("format", enum=list(FORMATS), description="Default: the Accept header."),
    *(OpenApiParameter(each.flag, bool, description=each.flag_help) for each in FORMATS.values() if each.flag),
]
PAGES = [
    OpenApiParameter("fields", description="Columns, comma-separated."),
    OpenApiParameter("order", description="Columns, comma-separated, with a - for descending order."),
    OpenApiParameter("since", description="Rows added or changed since a snapshot (its number) or a time."),
    OpenApiParameter("snapshot", int, description="The sheet as it was in this snapshot."),
    OpenApiParameter("as_of", description="The sheet as it was at this time; with since, the changes between them."),
    OpenApiParameter("limit", int, description=f"Rows per page, up to {MAX_LIMIT}; without it all rows are sent."),
    OpenApiParameter("cursor", description="From the `next` link of the previous page."),
    OpenApiParameter(
        "filters",
        OpenApiTypes.OBJECT,
        style="form",
        explode=True,
        description="Any column: rows with this value; if given twice, with either value. "
        f"Or column__lookup with one of {', '.join(LOOKUPS)}.",
    ),
]


def names(request: Request, name: str) -> list[str] | None:
    """Return a comma-separated list; None if the parameter is missing."""
    asked = request.query_params.get(name)
    return [one.strip() for one in asked.split(",") if one.strip()] if asked else None


def limit(request: Request) -> int | None:
    """Return the rows per page; None means to stream the whole sheet."""
    asked = request.query_params.get("limit")
    if asked is None:
        return MAX_LIMIT if "cursor" in request.query_params else None
    if not (asked.isascii() and asked.isdecimal() and len(asked) < 10 and 1 <= int(asked) <= MAX_LIMIT):
        raise UsageError(f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return int(asked)


def flag(request: Request, name: str) -> bool:
    asked = request.query_params.get(name, "0").lower()
    if asked not in _FLAGS:
        raise UsageError(f"{name} must be 1 or 0.")
    return _FLAGS[asked]


def only(request: Request, *known: str) -> None:
    """Raise UsageError, which lists the `known` parameters, if the request has any other."""
    if unknown := sorted(set(request.query_params) - set(known)):
        raise UsageError(f"There is no parameter {', '.join(unknown)[:100]} here; use {', '.join(known)}.")
