from django.contrib import admin
from django.db.models import Sum
from unfold.decorators import action, display

from exports.admin.verify import ask_to_verify, plan_to_verify, verified_card
from exports.models import Export
from exports.package import participant_list
from exports.package.options import OPTIONS
from psynetdata import rights
from psynetdata.admin.job import progress_card
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card, CardsAdmin, ReadOnly
from psynetdata.admin.pages.confirmation import confirmed, row_or_404
from psynetdata.admin.pages.shown_face import record_read
from psynetdata.admin.pages.visibility import BY_DEPLOYMENT, Visible
from psynetdata.faces import IDENTIFIED

from .archive_card import archive_card

SHOWN = 20
_ONLY_ANONYMOUS = [option.name for option in OPTIONS if option.only_anonymous]


def exports_card(exports, *, of_all: bool = False) -> Card:
    """Return a table of exports, newest first. `of_all`: of several deployments, so that each names its own."""
    rows = [
        (
            html.to_object(export),
            *([html.to_object(export.deployment)] if of_all else []),
            what(export),
            html.badge(export.job.state),
            export.owner or html.EMPTY,
            html.utc(export.created_at),
        )
        for export in exports[:SHOWN]
    ]
    headers = ("export", *(["deployment"] if of_all else []), "what", "state", "requested by", "requested")
    return Card("Exports", headers=headers, rows=rows)


def what(export: Export) -> str:
    return in_words(export.options)


def in_words(options: dict) -> str:
    """Return a text like `anonymized, assets: experiment`."""
    modes = {"yes": "anonymized", "no": "as it is", "both": "anonymized and as it is"}
    mode = modes.get(options.get("anonymize"), "export")
    chosen = options.get("participants") or ()
    those = {0: "", 1: ", of 1 participant"}.get(len(chosen), f", of {html.number(len(chosen))} participants")
    return f"{mode}, assets: {options.get('assets', 'none')}{those}"


@admin.register(Export)
class ExportAdmin(Visible, ReadOnly, CardsAdmin):
    """An export from its request to its download; the page refreshes itself while the job runs."""

    change_form_template = "admin/exports/export.html"
    list_display = ("name", "deployment", "what", "state_badge", "percent_done", "archive_size", "owner", "asked_for")
    list_filter = (BY_DEPLOYMENT, "job__state")
    list_filter_submit = False
    list_select_related = ("deployment", "job", "owner")
    search_fields = ("id", "deployment__label", "deployment__deployment_id", "owner__username")
    sortable_by = ("name",)

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(archive_bytes=Sum("archives__bytes"))

    # --- verifying -------------------------------------------------------------------------
    actions_detail = ("verify",)

    @action(description="Verify", url_path="verify", permissions=["verify"], icon="fact_check")
    def verify(self, request, object_id):
        row = row_or_404(self, request, object_id)
        return confirmed(self, request, row, plan_to_verify(row), lambda: ask_to_verify(request, row))

    def has_verify_permission(self, request, object_id=None) -> bool:
        return rights.can_export_some(request.user)

    def get_actions_detail(self, request, object_id):
        row = self.get_object(request, str(object_id))
        return super().get_actions_detail(request, object_id) if row and row.archives.exists() else []

    # --- the list --------------------------------------------------------------------------
    @display(description="export", ordering="id")
    def name(self, obj):
        return str(obj)

    @display(description="what")
    def what(self, obj):
        return what(obj)

    @display(description="state")
    def state_badge(self, obj):
        return html.badge(obj.job.state)

    @display(description="done")
    def percent_done(self, obj):
        return html.EMPTY if obj.job.percent is None else f"{obj.job.percent} %"

    @display(description="size")
    def archive_size(self, obj):
        return html.size(obj.archive_bytes)

    @display(description="requested")
    def asked_for(self, obj):
        return html.utc(obj.created_at)

    def cards(self, request, obj):
        facts = [
            ("deployment", html.to_object(obj.deployment)),
            ("snapshot", html.to_object(obj.snapshot)),
            ("time of the data", html.utc(obj.snapshot.taken_at)),
            ("requested by", obj.owner or html.EMPTY),
            ("requested", html.utc(obj.created_at)),
            *options(obj.options),
            ("job", html.to_object(obj.job)),
        ]
        archives = []
        for archive in obj.archives.order_by("mode"):
            may_download = rights.can_export(request.user, archive.mode)
            if may_download and archive.identified:  # its file names are shown, and names can reveal people
                access = {"deployment_number": obj.deployment_id, "once": True, "face": IDENTIFIED}
                record_read(request, f"files of {obj}", **access)
            archives.append(archive_card(archive, may_download=may_download))
        verified = verified_card(request, obj)
        return [progress_card(request, obj.job), *archives, *verified, Card("Request", facts=facts)]

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context["job_is_over"] = obj.job.is_over
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)


def options(asked: dict) -> list[tuple]:
    """Return the options for a reader; some only apply to anonymized archives."""
    hidden = _ONLY_ANONYMOUS if asked.get("anonymize") == "no" else ()
    if asked.get("participants"):
        asked = asked | {"participants": participant_list.id_ranges(asked["participants"])}
    shown_options = {
        name: value for name, value in sorted(asked.items()) if name not in hidden and value not in ("", None)
    }
    return [(name.replace("_", " "), html.value(value)) for name, value in shown_options.items()]
