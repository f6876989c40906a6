"""Translates all errors for the API: `{"detail": sentence}`, never a traceback."""

import logging

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import JsonResponse
from django.views.defaults import page_not_found
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from psynetdata.infra.outages import outage
from psynetdata.psynet.problems import Forbidden, Gone, Problem

__all__ = ["Forbidden", "Gone", "handler", "not_found"]

logger = logging.getLogger(__name__)

# Who asks may be anybody; only the log says which folder or server it is.
_OUTAGE = "The desk's database or storage cannot be used at the moment; try again later."


def handler(error: Exception, context: dict) -> Response:
    """DRF's EXCEPTION_HANDLER.

    Problem → its status; DRF's own errors unchanged; an outage → 503, anything else → 500, both with a log line.
    """
    request = context.get("request")
    if request is not None:
        # A client that requested CSV gets its error as JSON too.
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    if isinstance(error, Problem):
        return Response({"detail": error.sentence, **getattr(error, "extra", {})}, status=error.status)
    if isinstance(error, RequestDataTooBig):
        return Response({"detail": "The request is too large."}, status=413)
    if isinstance(error, SuspiciousOperation):
        return Response({"detail": "The request has too many parameters, or parts that no browser sends."}, status=400)
    known = exception_handler(error, context)
    if known is not None:
        return known
    view = type(context.get("view")).__name__
    if trouble := outage(error):
        logger.error("%s failed: %s", view, trouble.sentence)
        return Response({"detail": _OUTAGE}, status=trouble.status)
    logger.error("%s failed unexpectedly", view, exc_info=error)
    return Response({"detail": "This failed unexpectedly; the server's log has the details."}, status=500)


def not_found(request, exception):
    """The site's handler404: a URL of the API that does not exist gets a JSON answer."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "There is no such URL."}, status=404)
    return page_not_found(request, exception)
