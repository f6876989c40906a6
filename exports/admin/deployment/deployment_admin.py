"""psynetdata's Deployment pages, with what this app adds: snapshots, exports, and the state of the watching."""

from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.decorators import method_decorator
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from exports.admin.export import request_page, schedules
from exports.admin.export.export_admin import exports_card
from exports.admin.server import basic_data_method, logs
from exports.admin.server.source_code_upload import SourceCodeActions
from exports.admin.snapshot.recent_snapshots import newest_card, newest_of, suspect_cards
from exports.admin.snapshot.restore import can_restore, restore_page
from exports.admin.snapshot.timeline import timeline_card
from exports.admin.watch.alarms import VIEW_INCIDENT, alarms_card, wrong_card
from exports.admin.watch.health import ItsJobs, jobs_of, watching_card
from exports.admin.watch.incident_admin import incidents_card
from exports.admin.watch.watch_actions import WatchActions
from exports.admin.watch.watch_summary import age_of, rows_in, with_newest
from exports.clearance.shown_names import ShownNames
from exports.models import Incident, Snapshot, Summary
from psynetdata import rights
from psynetdata.admin.deployment import DeploymentAdmin as DataDeploymentAdmin
from psynetdata.admin.job import progress_card
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import row_or_404
from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.models import Deployment

from . import notes, registration, settings
from .access import AccessActions, seen_by
from .bulk_actions import SelectedDeployments
from .keys import KeyActions
from .policy import PolicyActions
from .progress import classes_card, how_it_goes
from .retire import RetireAction, retired_cards

LONGEST_ID = 28  # characters of a deployment id in a list

admin.site.unregister(Deployment)


class DeploymentChangeList(ChangeList):
    def get_results(self, request):
        super().get_results(request)
        wanted = [row.pk for row in self.result_list]
        rows_by_key = {row.pk: row for row in with_newest(Deployment.objects.filter(pk__in=wanted))}
        self.result_list = [rows_by_key[pk] for pk in wanted]


@admin.register(Deployment)
class DeploymentAdmin(
    SelectedDeployments, WatchActions, RetireAction, AccessActions, PolicyActions, SourceCodeActions, KeyActions,
    DataDeploymentAdmin,
):  # fmt: skip
    list_display = (
        "label_or_id", "psynets_id", "state_badge", "alarms", "newest_snapshot", "participants", "trials",
    )  # fmt: skip
    actions_detail = (
        "export", "snapshot_now", "edit_policy",
        {
            "title": "Watching", "icon": "visibility",
            "items": ["test_connection", "pause", "resume", "archive", "retire"],
        },
        {"title": "Key", "icon": "key", "items": ["export_key", "destroy_key"]},
        {"title": "More", "icon": "build", "items": ["set_access", "restore", "source_code"]},
    )  # fmt: skip
    actions_row = ("export",)
    form = settings.SettingsForm

    # --- the list --------------------------------------------------------------------------
    def get_changelist(self, request, **kwargs):
        return DeploymentChangeList

    @display(description="alarms")
    def alarms(self, obj):
        open_ones = [html.badge(incident.get_kind_display(), "danger") for incident in obj.incidents_open]
        return html.joined(open_ones) if open_ones else html.EMPTY

    @display(description="deployment id", ordering="deployment_id")
    def psynets_id(self, obj):
        # Its end is the time of the launch, which distinguishes launches.
        name = obj.deployment_id
        return html.nowrap(name if len(name) <= LONGEST_ID else f"…{name[1 - LONGEST_ID :]}")

    @display(description="newest snapshot")
    def newest_snapshot(self, obj):
        return age_of(obj)

    @display(description="participants")
    def participants(self, obj):
        return rows_in(obj.newest, "participant")

    @display(description="trials")
    def trials(self, obj):
        return rows_in(obj.newest, "info")

    # --- exports ---------------------------------------------------------------------------
    @action(
        description="Export", url_path="export", permissions=["export"], icon="download", variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def export(self, request, object_id):
        return request_page.ask_for_export(self, request, object_id)

    def has_export_permission(self, request, object_id=None) -> bool:
        return rights.can_export_some(request.user)

    @action(description="Restore", url_path="restore", permissions=["restore"], icon="settings_backup_restore")
    def restore(self, request, object_id):
        row = row_or_404(self, request, object_id)
        return restore_page(self, request, row, Snapshot.objects.newest(row))

    def has_restore_permission(self, request, object_id=None) -> bool:
        return can_restore(request.user)

    # --- adding one ------------------------------------------------------------------------
    def has_add_permission(self, request):
        return request.user.has_perm(rights.CHANGE_DEPLOYMENT)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        register, basic_data = wrap(self.register_view), wrap(self.basic_data_view)
        return [
            path("add/found/", register, name="psynetdata_deployment_found"),
            path("<int:number>/get-basic-data/", basic_data, name=basic_data_method.PAGE),
            path("<int:number>/logs/", wrap(self.logs_view), name=logs.PAGE),
            path("<int:number>/export/expected/", wrap(self.expected_view), name="psynetdata_deployment_expected"),
            path(
                "<int:number>/presets/<int:preset>/remove/",
                wrap(self.remove_preset_view),
                name="psynetdata_deployment_remove_preset",
            ),
            path("<int:number>/schedules/<int:schedule>/<str:verb>/", wrap(self.schedule_view), name=schedules.PAGE),
            path("<int:number>/notes/add/", wrap(self.add_note_view), name="psynetdata_deployment_add_note"),
            path(
                "<int:number>/notes/<int:note>/remove/",
                wrap(self.remove_note_view),
                name="psynetdata_deployment_remove_note",
            ),
            *super().get_urls(),
        ]

    @method_decorator(registration.unshown)
    def add_view(self, request, form_url="", extra_context=None):
        return registration.inspect_source(self, request)

    def basic_data_view(self, request, number: int):
        return basic_data_method.page(self, request, number)

    def logs_view(self, request, number: int):
        return logs.page(self, request, number)

    def register_view(self, request):
        return registration.register(self, request)

    def expected_view(self, request, number: int):
        return request_page.expected_view(self, request, number)

    def remove_preset_view(self, request, number: int, preset: int):
        return request_page.remove_preset(self, request, number, preset)

    def schedule_view(self, request, number: int, schedule: int, verb: str):
        return schedules.page_of(self, request, number, schedule, verb)

    def add_note_view(self, request, number: int):
        return notes.add(self, request, number)

    def remove_note_view(self, request, number: int, note: int):
        return notes.remove(self, request, number, note)

    # --- its settings ----------------------------------------------------------------------
    def get_fieldsets(self, request, obj=None):
        if not rights.can_see_places(request.user):
            return []
        uploaded = obj is not None and obj.source == Deployment.Source.UPLOAD
        names = [name for name in settings.NAMES if not (uploaded and name == settings.EVERY)]
        return [("Settings", {"fields": names}), ("Asset files", {"fields": list(settings.ASSETS)})]

    def save_model(self, request, obj, form, change):
        settings.save(obj, form, user=request.user)

    def response_change(self, request, obj):
        messages.success(request, f"The settings of {obj} are saved.")
        return HttpResponseRedirect(html.change_url(Deployment, obj.pk))

    # --- its page --------------------------------------------------------------------------
    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        page = super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)
        if context.get("errors"):
            # The form is at the end of a long page.
            page.context_data["cards"].insert(0, wrong_card("The settings were not saved", context["errors"]))
        return page

    def cards(self, request, obj):
        about, data, jobs = super().cards(request, obj)
        about.facts += seen_by(request.user, obj)
        exports = exports_card(obj.exports.select_related("job", "owner"))
        summary = Summary.objects.filter(deployment=obj).first()
        its_jobs, snapshots = jobs_of(obj), newest_of(obj)
        names = ShownNames(shown_face(request), obj)
        history = [*self.watching(request, obj, its_jobs), *timeline_card(obj), newest_card(obj, snapshots, names)]
        held = [
            data,
            *classes_card(summary, names),
            self.sheets(request, obj),
            exports,
            *schedules.scheduled_card(request, obj),
        ]
        upper = [*self.first(request, obj, its_jobs, snapshots), about, *how_it_goes(summary, timezone.now()), *history]
        return [*upper, *held, notes.notes_card(request, obj), *self.incidents(request, obj), jobs]

    def first(self, request, obj, its_jobs: ItsJobs, snapshots: list[Snapshot]) -> list[Card]:
        """Return alarms, and work in progress."""
        cards = []
        if request.user.has_perm(VIEW_INCIDENT):
            incidents = list(Incident.objects.filter(deployment=obj, ended_at=None))
            cards += [alarms_card(request.user, incidents)] if incidents else []
            if not any(incident.kind == Incident.Kind.FELL for incident in incidents):
                cards += suspect_cards(snapshots[0] if snapshots else None)
        job = its_jobs.at_work
        cards += [progress_card(request, job, str(job).capitalize())] if job else []
        return [*cards, *retired_cards(request.user, its_jobs.retire)]

    def watching(self, request, obj, its_jobs: ItsJobs) -> list[Card]:
        if obj.source == Deployment.Source.UPLOAD:
            return []
        card = watching_card(request.user, obj, its_jobs)
        card.facts = [*card.facts, *logs.fact(request, obj)]
        return [card]

    def incidents(self, request, obj) -> list[Card]:
        if not request.user.has_perm(VIEW_INCIDENT):
            return []
        card = incidents_card(obj, request.user)
        return [card] if card.rows else []

    def sheets(self, request, obj) -> Card:
        card = super().sheets(request, obj)
        card.facts = [*card.facts, *basic_data_method.fact(request, obj)]
        return card
