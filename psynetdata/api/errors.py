"""The one translator of failures for the API: `{"detail": sentence}`, and never a traceback."""

import logging

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import JsonResponse
from django.views.defaults import page_not_found
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from psynetdata.psynet.problems import Forbidden, Gone, Problem

__all__ = ["Forbidden", "Gone", "handler", "not_found"]

logger = logging.getLogger(__name__)


def handler(error: Exception, context: dict) -> Response:
    """For DRF's EXCEPTION_HANDLER: Problem → its status; DRF's own as they are; anything else → 500, and a log line."""
    request = context.get("request")
    if request is not None:
        # A client that asked for CSV gets its error as JSON all the same.
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    if isinstance(error, Problem):
        return Response({"detail": error.sentence, **getattr(error, "extra", {})}, status=error.status)
    if isinstance(error, RequestDataTooBig):
        return Response({"detail": "What was sent is too large."}, status=413)
    if isinstance(error, SuspiciousOperation):
        return Response({"detail": "The request has too many parameters, or parts that no browser sends."}, status=400)
    known = exception_handler(error, context)
    if known is not None:
        return known
    view = type(context.get("view")).__name__
    logger.error("%s failed unexpectedly", view, exc_info=error)
    return Response({"detail": "This failed unexpectedly; the server's log has the details."}, status=500)


def not_found(request, exception):
    """The site's handler404: an address of the API that does not exist is answered as the API answers."""
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": "There is no such address."}, status=404)
    return page_not_found(request, exception)
