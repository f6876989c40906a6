"""Responses in the requested format, with an ETag, streamed from one moment of a face."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from rest_framework import renderers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from psynetdata.faces import IDENTIFIED
from psynetdata.infra.response_headers import PRIVATE
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.output.registry import FORMATS, listed
from psynetdata.sheets.output.sheet_format import SheetFormat

from . import compression
from .access import face_of

logger = logging.getLogger(__name__)


def _renderer(format: SheetFormat) -> type[renderers.JSONRenderer]:
    """Return a renderer for content negotiation; sheets write their own bytes."""
    attributes = {"media_type": format.media_type, "format": format.name, "charset": format.charset}
    return type(f"{format.title}Renderer", (renderers.JSONRenderer,), attributes | {"sheet_format": format})


RENDERERS = tuple(_renderer(each) for each in FORMATS.values())


def format_of(request: Request) -> SheetFormat:
    return request.accepted_renderer.sheet_format


class NamedNegotiation(DefaultContentNegotiation):
    """Uses `format=`, or the Accept header without it."""

    names = "json or yaml"

    def select_renderer(self, request, renderers, format_suffix=None):
        asked = request.query_params.get("format")
        if asked is None:
            return super().select_renderer(request, renderers, format_suffix)
        chosen = next((renderer for renderer in renderers if renderer.format == asked), None)
        if chosen is None:
            raise UsageError(f"format must be {self.names}.")
        return chosen, chosen.media_type


class FormatNegotiation(NamedNegotiation):
    """Content negotiation for the formats of sheets."""

    names = listed(list(FORMATS), "or")

    def select_renderer(self, request, renderers, format_suffix=None):
        chosen, media_type = super().select_renderer(request, renderers, format_suffix)
        try:
            chosen.sheet_format.check_installed()
        except UsageError as problem:
            problem.status = 406
            raise
        return chosen, media_type


class AnyNegotiation(DefaultContentNegotiation):
    """For responses with only one format, regardless of what the client accepts."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class BrokenOff(Exception):
    """A streamed response cannot be finished."""


class Body:
    """The blocks of a streamed response, and the resources to release when it ends, fails or never starts."""

    def __init__(self, blocks: Iterator[bytes], held: ExitStack):
        self._blocks = blocks
        self._held = held

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except StopIteration:
            # Release immediately: a client that keeps the response would keep the transaction open too, and close it
            # during another one.
            self.close()
            raise
        except Exception as error:
            # The server closes the connection, so that no client mistakes a part for the whole. The error message is
            # not logged, because databases quote rows in it.
            logger.error("A sheet broke off while it was sent: %s", type(error).__name__)
            raise BrokenOff("The sheet was interrupted.") from None

    def close(self) -> None:
        close = getattr(self._blocks, "close", None)
        if close:
            close()
        self._held.close()


def etag_of(*parts: object) -> str:
    """Return a strong ETag: equal parts mean equal bytes. It includes a hash of the code that writes them."""
    digest = hashlib.sha256(_code().encode())
    for part in parts:
        digest.update(b"\0" + str(part).encode("utf-8", "backslashreplace"))
    return f'"{digest.hexdigest()[:40]}"'


def is_known(request: Request, etag: str) -> bool:
    """Return whether the client already has it, according to If-None-Match (RFC 9110, 13.1.2)."""
    known = [one.removeprefix("W/") for one in parse_etags(request.headers.get("If-None-Match", ""))]
    return "*" in known or etag in known or compression.packed_etag(etag) in known


def not_modified(request: Request, etag: str) -> HttpResponseBase:
    return _finish(request, HttpResponseNotModified(), etag)


def streamed(request: Request, blocks: Callable[[], Iterator[bytes]], held: ExitStack, etag: str) -> HttpResponseBase:
    """Return 200 with blocks that are read while `held` is open; HEAD gets only the headers."""
    answer: HttpResponseBase
    if request.method == "HEAD":
        # Streamed too, otherwise Content-Length would be 0.
        answer = StreamingHttpResponse((), content_type=format_of(request).content_type)
    else:
        chunks = blocks()
        body = Body(compression.packed(chunks) if compression.wanted(request) else chunks, held.pop_all())
        answer = StreamingHttpResponse(body, content_type=format_of(request).content_type)
    return _finish(request, answer, etag)


def whole(request: Request, body: bytes, etag: str) -> HttpResponseBase:
    if compression.wanted(request):
        body = b"".join(compression.packed(iter([body])))
    return _finish(request, HttpResponse(body, content_type=format_of(request).content_type), etag)


def _finish(request: Request, answer: HttpResponseBase, etag: str) -> HttpResponseBase:
    if compression.wanted(request):
        # A strong ETag identifies bytes, and compressed bytes are different.
        etag = compression.packed_etag(etag)
        if answer.status_code != 304:
            answer["Content-Encoding"] = "gzip"
    answer["ETag"] = etag
    answer["Cache-Control"] = PRIVATE if face_of(request) == IDENTIFIED else "private"
    patch_vary_headers(answer, ("Accept", "Accept-Encoding", "Authorization", "Cookie"))
    return answer


@cache
def _code() -> str:
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted([*package.glob("sheets/**/*.py"), *package.glob("psynet/**/*.py"), *package.glob("api/*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
