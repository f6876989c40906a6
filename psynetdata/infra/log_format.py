"""Log lines: as text, or as one JSON object each (LOG_FORMAT=json), with the ids of the job and the request.

    {"time": ISO 8601 in UTC, "level", "logger", "message", "job": id, "request": id, "error": traceback}

`job`, `request` and `error` are there only if there is one.
"""

import json
import logging
import re
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

_ids: ContextVar[dict[str, str | int] | None] = ContextVar("ids of log lines", default=None)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@contextmanager
def log_ids(**ids):
    """Add these ids to every line that the body logs."""
    token = _ids.set({**_current(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def _current() -> dict[str, str | int]:
    return _ids.get() or {}


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_current(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """Text for people, with the ids at the end of the first line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        ids = "".join(f" [{name} {value}]" for name, value in _current().items())
        return super().formatMessage(record) + ids


class RequestIdMiddleware:
    """Give each request an id, the proxy's if it sent X-Request-ID; answer and log lines carry it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        with log_ids(request=request_id):
            answer = self._get_response(request)
        answer["X-Request-ID"] = request_id
        return answer
