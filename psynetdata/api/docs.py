"""The API's own pages: its schema, and a page that shows it without loading anything from other sites."""

from urllib.parse import quote

from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import IsAuthenticated
from rest_framework.views import APIView

from .response import AnyNegotiation, NamedNegotiation

_VERBS = ("get", "post", "put", "patch", "delete")


class SchemaView(SpectacularAPIView):
    """OpenAPI 3, as YAML or (format=json, or Accept) JSON."""

    permission_classes = (IsAuthenticated,)
    content_negotiation_class = NamedNegotiation


class DocsView(APIView):
    """The schema's operations as a page; a browser without a session is redirected to the login page."""

    content_negotiation_class = AnyNegotiation

    @extend_schema(exclude=True)
    def get(self, request):
        schema = SchemaGenerator().get_schema(request=request, public=True)
        context = {"info": schema["info"], "operations": list(_operations(schema))}
        return TemplateResponse(request, "api/docs.html", context)

    def handle_exception(self, exc):
        if isinstance(exc, NotAuthenticated):
            return HttpResponseRedirect(f"{resolve_url('admin:login')}?next={quote(self.request.path)}")
        return super().handle_exception(exc)


def _operations(schema: dict):
    for path, operations in schema["paths"].items():
        for verb in _VERBS:
            if verb in operations:
                operation = operations[verb]
                yield {
                    "id": operation["operationId"],
                    "verb": verb.upper(),
                    "path": path,
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", ""),
                    "parameters": operation.get("parameters", []),
                    "responses": sorted(operation.get("responses", {})),
                    "body": sorted(operation.get("requestBody", {}).get("content", {})),
                }
