"""The page that requests an export: its options, content and approximate size; once, or repeatedly."""

from collections.abc import Sequence

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse

from exports.admin.watch.alarms import wrong_card
from exports.models import Export, ExportPreset, Snapshot
from exports.operations import export_schedule
from exports.package import participant_list
from exports.package.request import request_export
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem

from . import presets
from .estimate_cards import expected_cards
from .option_fields import as_filled, may_ask
from .request_form import ExportForm


def ask_for_export(model_admin, request: HttpRequest, object_id) -> HttpResponse:
    """GET: the page, filled in by `?preset=` and `?snapshot=`. POST: do the `verb`; a Problem is shown on the page."""
    deployment = _deployment(model_admin, request, object_id)
    if request.method != "POST":
        return _page(model_admin, request, deployment, ExportForm.filled(deployment, request.user, _known(request)))
    form = ExportForm(deployment, request.user, request.POST)
    if form.is_valid():
        try:
            done = _VERBS.get(request.POST.get("verb"), _start)(request, deployment, form)
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            if done is not None:
                return done
    return _page(model_admin, request, deployment, form)


def page_for(request: HttpRequest, deployment: Deployment, ids: Sequence[int]) -> HttpResponse:
    """Return the page for these participants, as linked from their list."""
    known = {"participants": participant_list.id_ranges(ids)}
    form = ExportForm.filled(deployment, request.user, known)
    return _page(admin.site.get_model_admin(Deployment), request, deployment, form)


def expected_view(model_admin, request: HttpRequest, number: int) -> HttpResponse:
    """Return the part of the page that shows what the export will hold, for the form's current options."""
    deployment = _deployment(model_admin, request, number)
    form = ExportForm(deployment, request.user, request.POST)
    return render(request, "admin/exports/expected.html", {"expected": _expected(deployment, form)})


def remove_preset(model_admin, request: HttpRequest, number: int, preset: int) -> HttpResponse:
    """Remove a preset; one that no longer exists is not an error."""
    deployment = _deployment(model_admin, request, number)
    row, back = presets.to_remove(request.user, preset), address(deployment)
    if row is None:
        return HttpResponseRedirect(back)
    sentences = [
        f"The preset “{row}” is removed for everybody who uses it, on every deployment.",
        "Exports that were made with it stay, and so do scheduled ones.",
    ]
    plan = ConfirmationPlan("Remove a preset", sentences, "Remove it", stops=True)
    return confirmed(model_admin, request, deployment, plan, lambda: presets.remove(request, row), back)


def address(deployment: Deployment) -> str:
    return reverse("admin:psynetdata_deployment_export", args=(deployment.pk,))


def _deployment(model_admin, request: HttpRequest, object_id) -> Deployment:
    if not (model_admin.has_view_permission(request) and model_admin.has_export_permission(request)):
        raise PermissionDenied
    deployment = model_admin.get_object(request, str(object_id))
    if deployment is None:
        raise Http404
    return deployment


def _known(request: HttpRequest) -> dict:
    """Return what the address asks for: a preset that the person may use, and a snapshot."""
    preset, snapshot = (request.GET.get(name, "") for name in ("preset", "snapshot"))
    row = ExportPreset.objects.filter(pk=preset).first() if _is_number(preset) else None
    known = as_filled(row.options) if row and may_ask(request.user, row.options["anonymize"]) else {}
    return known | ({"snapshot": snapshot} if _is_number(snapshot) else {})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


# --- what its buttons do: the answer, or None to show the page again ---------------------------
def _start(request, deployment: Deployment, form: ExportForm) -> HttpResponse:
    export = request_export(deployment, form.options(), owner=request.user, snapshot=form.chosen)
    messages.success(request, f"{str(export).capitalize()} was requested; this page shows its progress.")
    return HttpResponseRedirect(html.change_url(Export, export.pk))


def _keep(request, deployment: Deployment, form: ExportForm) -> HttpResponse:
    row = presets.keep(request, form.options())
    messages.success(request, f"The preset “{row}” is saved.")
    return HttpResponseRedirect(f"{address(deployment)}?preset={row.pk}")


def _repeat(request, deployment: Deployment, form: ExportForm) -> HttpResponse:
    every = request.POST.get("every", "")
    days = int(every) if _is_number(every) else 0
    export_schedule.schedule(deployment, form.options(), every_days=days, owner=request.user)
    messages.success(
        request, f"The export is made {export_schedule.EVERY_DAYS[days]}, for the first time within a minute."
    )
    return HttpResponseRedirect(html.change_url(Deployment, deployment.pk))


_VERBS = {"start": _start, "keep": _keep, "repeat": _repeat, "look": lambda *_: None}


# --- the page ----------------------------------------------------------------------------------
def _expected(deployment: Deployment, form: ExportForm) -> list[Card]:
    """Return cards that show what will be exported, or why it cannot be."""
    if not form.is_valid():
        return []
    snapshot = form.chosen or Snapshot.objects.newest(deployment)
    if snapshot is None:
        return []
    try:
        return expected_cards(snapshot, form.options())
    except Problem as problem:
        return [wrong_card("This cannot be exported", [problem.sentence])]


def _page(model_admin, request, deployment: Deployment, form: ExportForm) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Export: {deployment}",
        "opts": model_admin.opts,
        "original": deployment,
        "form": form,
        "snapshot": Snapshot.objects.newest(deployment),
        "expected": _expected(deployment, form),
        "presets": presets.usable(request.user),
        "every": export_schedule.EVERY_DAYS,
        "address": address(deployment),
        "back_url": html.change_url(Deployment, deployment.pk),
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/exports/ask.html", context)
