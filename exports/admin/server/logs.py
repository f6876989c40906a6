"""Search the logs of a deployment's server; only for users who see the identified face, as logs may hold anything."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from exports.models import ServerLogs
from exports.server import log_search, logs
from exports.server.log_search import SearchResult
from psynetdata import jobs, rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.shown_face import face_context, record_read, shown_face
from psynetdata.faces import IDENTIFIED
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Problem

PAGE = "psynetdata_deployment_logs"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SHOWN = 2_000  # characters of a message


class SearchForm(forms.Form):
    q = forms.CharField(
        label="Words",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="In any case.",
    )
    level = forms.ChoiceField(
        required=False, choices=[("", "any"), *((level, level) for level in _LEVELS)], widget=UnfoldAdminSelectWidget
    )
    before = forms.RegexField(r"\A\d{1,6}-\d{1,10}\Z", required=False, widget=forms.HiddenInput)


def fact(request: HttpRequest, deployment: Deployment) -> list[tuple]:
    """Return a link to the page, if there are logs or may be some."""
    if shown_face(request) != IDENTIFIED or not (logs.can_be_read(deployment) or logs.kept_logs(deployment)):
        return []
    return [("server logs", html.link(reverse(f"admin:{PAGE}", args=(deployment.pk,)), "to search"))]


def page(model_admin, request: HttpRequest, number: int) -> HttpResponse:
    """GET: the newest lines, or those with `q` and `level`. POST: continue reading at the server, in a job.

    A search is a POST too, so that the searched text is in no address: it may be somebody's id.
    """
    deployment = model_admin.get_object(request, str(number))
    if deployment is None:
        raise Http404
    if not model_admin.has_view_permission(request, deployment) or shown_face(request) != IDENTIFIED:
        raise PermissionDenied
    row = logs.kept_logs(deployment)
    if row is None and not logs.can_be_read(deployment):
        raise Http404
    if "read" in request.POST:
        return _read(request, deployment)
    record_read(request, "server logs", deployment_number=deployment.pk)
    form = SearchForm(request.POST or None)
    context = {
        **model_admin.admin_site.each_context(request),
        **face_context(request),
        "title": "Server logs",
        "opts": model_admin.opts,
        "original": deployment,
        "about": _about(request, deployment, row),
        "may_read": logs.can_be_read(deployment) and request.user.has_perm(rights.CHANGE_DEPLOYMENT),
        "form": form,
        "media": model_admin.media,
        **_search_results(request, row, form),
    }
    return TemplateResponse(request, "admin/exports/logs.html", context)


def _read(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    if not request.user.has_perm(rights.CHANGE_DEPLOYMENT) or not logs.can_be_read(deployment):
        raise PermissionDenied
    if not Job.objects.filter(kind=logs.KIND, deployment=deployment, state__in=Job.ACTIVE).exists():
        job = jobs.submit(logs.KIND, deployment=deployment, owner=request.user)
        Audit.record(logs.KIND, user=request.user, deployment=deployment, target=f"job {job.pk}")
    messages.success(request, "The logs are being read; look again in a moment.")
    return HttpResponseRedirect(reverse(f"admin:{PAGE}", args=(deployment.pk,)))


def _search_results(request: HttpRequest, row: ServerLogs | None, form: SearchForm) -> dict:
    """Return the card of lines, and where the next page of them begins."""
    if form.is_bound and not form.is_valid():
        return {"card": Card("Lines", note="That cannot be searched for.")}
    asked = form.cleaned_data if form.is_bound else {}
    before = tuple(map(int, asked["before"].split("-"))) if asked.get("before") else None
    try:
        result = log_search.search(row, asked.get("q", ""), asked.get("level", ""), before=before) if row else None
    except Problem as problem:
        return {"card": Card("Lines", note=problem.sentence)}
    if result is None:
        return {"card": Card("Lines", note="Nothing has been read yet.")}
    rows = [(html.nowrap(line.time), line.level, _short(line.message)) for line in result.lines]
    further = "-".join(map(str, result.further)) if result.further else ""
    card = Card("Lines, the newest first", headers=("time", "level", "message"), rows=rows, note=_note(result))
    return {"card": card, "further": further}


def _note(result: SearchResult) -> str:
    if result.stopped:
        return "Not all of the logs have been searched yet; continue with older lines."
    return "" if result.lines else "No line matches."


def _short(message: str) -> str:
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}…"


def _about(request: HttpRequest, deployment: Deployment, row: ServerLogs | None) -> Card:
    last = Job.objects.filter(kind=logs.KIND, deployment=deployment).order_by("-pk").first()
    facts = [
        ("deployment", html.to_object(deployment)),
        ("stored", html.size(row.bytes) if row else "nothing yet"),
        ("read to the end", html.utc(row.read_at) if row and row.read_at else html.EMPTY),
    ]
    if last is not None:
        missing = (last.result or {}).get("missing", "")
        facts.append(("last reading", html.joined([html.to_object(last), html.badge(last.state), missing])))
    return Card("Summary", facts=facts)
