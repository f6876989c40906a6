"""A deployment's `get_basic_data` from its source code, to copy into a module; none of it is run."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from exports.models import SourceCode
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.shown_face import face_context, record_read, shown_face
from psynetdata.faces import IDENTIFIED
from psynetdata.models import Deployment

PAGE = "psynetdata_deployment_basic_data"
_MODULE = """from psynetdata.sheets import DataError, Experiment, Participant, Trial


class Exp(Experiment):
    {name} = {value!r}

{method}
"""


def fact(request: HttpRequest, deployment: Deployment) -> list[tuple]:
    """Return a link for the card of sheets, if there is source code, for users who see the identified face.

    Like the source code itself, which is only in regular exports, it may hold names and keys.
    """
    if shown_face(request) != IDENTIFIED or not SourceCode.objects.filter(deployment=deployment).exists():
        return []
    return [("in its source code", html.link(reverse(f"admin:{PAGE}", args=(deployment.pk,)), "get_basic_data"))]


def page(model_admin, request: HttpRequest, number: int) -> HttpResponse:
    deployment = model_admin.get_object(request, str(number))
    if deployment is None:
        raise Http404
    if not model_admin.has_view_permission(request, deployment) or shown_face(request) != IDENTIFIED:
        raise PermissionDenied
    row = SourceCode.objects.filter(deployment=deployment).first()
    if row is None:
        raise Http404
    record_read(request, "get_basic_data in the source code", deployment_number=deployment.pk)
    context = {
        **model_admin.admin_site.each_context(request),
        **face_context(request),
        "title": "get_basic_data in the source code",
        "opts": model_admin.opts,
        "original": deployment,
        "card": _about(deployment, row),
        "lines": as_module(deployment, row.basic_data) if row.basic_data else "",
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/exports/basic_data.html", context)


def as_module(deployment: Deployment, method: str) -> str:
    """Return the text for a file that BASIC_DATA_MODULES names: the method's own lines in a class for the desk."""
    named = ("label", deployment.label) if deployment.label else ("deployment_id", deployment.deployment_id)
    return _MODULE.format(name=named[0], value=named[1], method=method)


def _about(deployment: Deployment, row: SourceCode) -> Card:
    facts = [
        ("deployment", html.to_object(deployment)),
        ("source code", f"{html.size(row.bytes)}, sha256 {row.sha256}"),
        ("stored", html.utc(row.stored_at)),
    ]
    return Card("Summary", facts=facts)
