"""The page that says what an export will do and offers its options; POST asks for it."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from exports.models import Export, Snapshot
from exports.package.request import ExportOptions, request_export
from psynetdata import rights
from psynetdata.admin import html
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem

ASSETS = (
    ("none", "No files: rows only"),
    ("experiment", "The files that the experiment made, such as recordings"),
    ("all", "All files: stimuli too, and those that are made on demand or shared between experiments"),
)
LEVELS = (
    ("shared", "For a named colleague: the experimenter's own content leaves scrubbed"),
    ("open", "For a repository: what no rule covers is withheld"),
)
TYPES = (
    ("psynet", "Full export: database, class files, basic data, assets"),
    ("database", "The database only"),
)
FILES = (
    ("csv", "CSV, for R, Python and their kin"),
    ("excel", "CSV for Excel: marked as UTF-8, and nothing in it runs as a formula"),
    ("parquet", "Parquet, with real types"),
)
PSEUDONYMS = (
    ("hmac", "Letters of a keyed hash, such as p_mzxw6ytboi4dgnrvgeztambr"),
    ("number", "Numbers that each value keeps, such as participant_n0007"),
)
LESS = (
    ("drop_text", "Withhold what people typed; numbers stay"),
    ("shift_dates", "Move each participant's times back by 1 to 364 days of their own; order and intervals stay"),
    ("day", "Cut times to the day"),
)
ANONYMIZE = {"anonymous": "yes", "regular": "no"}
TITLES = {"anonymous": "Export, anonymized", "regular": "Export, as it is"}


class ExportForm(forms.Form):
    """The options that an export asked for in the admin may have."""

    assets = forms.ChoiceField(label="Files", choices=ASSETS, initial="experiment", widget=forms.RadioSelect)
    type = forms.ChoiceField(label="What", choices=TYPES, initial="psynet", widget=forms.RadioSelect)
    files = forms.ChoiceField(
        label="Class files", choices=FILES, initial="csv", required=False, widget=forms.RadioSelect
    )
    level = forms.ChoiceField(label="How far", choices=LEVELS, initial="shared", widget=forms.RadioSelect)
    pseudonyms = forms.ChoiceField(
        label="Pseudonyms", choices=PSEUDONYMS, initial="hmac", required=False, widget=forms.RadioSelect
    )
    more = forms.MultipleChoiceField(
        label="Still less", choices=LESS, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, mode: str, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mode = mode
        if mode == "regular":
            for name in ("level", "pseudonyms", "more"):
                del self.fields[name]

    def options(self) -> ExportOptions:
        asked = {name: value for name, value in self.cleaned_data.items() if value}
        more, files = asked.pop("more", ()), asked.pop("files", "csv")
        asked |= {"excel": files == "excel", "format": "parquet" if files == "parquet" else "csv"}
        less = {"drop_text": "drop_text" in more, "shift_dates": "shift_dates" in more}
        return ExportOptions(anonymize=ANONYMIZE[self.mode], coarsen="day" if "day" in more else "", **less, **asked)


def ask_for_export(model_admin, request: HttpRequest, object_id, *, mode: str) -> HttpResponse:
    """GET: the page. POST: makes the export and goes to its page; a Problem is said on this one."""
    if not (model_admin.has_view_permission(request) and rights.can_export(request.user, mode)):
        raise PermissionDenied
    deployment = model_admin.get_object(request, str(object_id))
    if deployment is None:
        raise Http404
    form = ExportForm(mode, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            export = request_export(deployment, form.options(), owner=request.user)
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, f"{str(export).capitalize()} was asked for; this page shows how far it is.")
            return HttpResponseRedirect(html.change_url(Export, export.pk))
    return TemplateResponse(request, "admin/exports/ask.html", _context(model_admin, request, deployment, form, mode))


def _context(model_admin, request, deployment: Deployment, form: ExportForm, mode: str) -> dict:
    snapshot = Snapshot.objects.newest(deployment)
    return {
        **model_admin.admin_site.each_context(request),
        "title": f"{TITLES[mode]}: {deployment}",
        "heading": TITLES[mode],
        "opts": model_admin.opts,
        "original": deployment,
        "form": form,
        "mode": mode,
        "snapshot": snapshot,
        "snapshot_age": html.age(snapshot.taken_at) if snapshot else None,
        "snapshot_time": html.utc(snapshot.taken_at) if snapshot else None,
        "back_url": html.change_url(Deployment, deployment.pk),
        "media": model_admin.media,
    }
