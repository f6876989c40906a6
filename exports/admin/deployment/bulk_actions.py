"""Actions on several deployments at once."""

from django.contrib import admin

from exports.admin.export.request_form import SelectionForm
from exports.admin.watch.watch_actions import send_snapshot
from exports.operations import deployments
from exports.package.request import request_export
from psynetdata.admin.pages.confirmation import ConfirmationPlan
from psynetdata.admin.pages.selection import on_each
from psynetdata.models import Deployment

_STAYS = "Their snapshots, data and exports stay as they are."


class SelectedDeployments:
    """Actions of DeploymentAdmin on the rows of its list."""

    actions = ("export_selected", "snapshot_selected", "pause_selected", "resume_selected", "archive_selected")

    @admin.action(description="Export", permissions=["export"])
    def export_selected(self, request, queryset):
        form = SelectionForm.from_request(request)
        plan = ConfirmationPlan(
            "Export",
            [
                "A worker builds an export of each, one after another, from its newest good snapshot, with the same "
                "options for all. Each export, and each download of it, is recorded with your name.",
            ],
            "Start the exports",
            form=form,
        )

        def do(row: Deployment) -> None:
            request_export(row, form.options(), owner=request.user)

        return on_each(self, request, queryset, plan, do, "exports were requested")

    @admin.action(description="Snapshot now", permissions=["look_after"])
    def snapshot_selected(self, request, queryset):
        sentences = ["A worker takes a snapshot of each, one after another; nobody in the experiments has to wait."]
        plan = ConfirmationPlan("Snapshot now", sentences, "Take snapshots")
        outcome = "snapshots were requested"
        return on_each(self, request, queryset, plan, lambda row: send_snapshot(request, row, full=False), outcome)

    @admin.action(description="Pause", permissions=["look_after"])
    def pause_selected(self, request, queryset):
        sentences = [f"No more scheduled snapshots of these are taken, and their alarms end. {_STAYS}"]
        return self._move_each(
            request, queryset, ConfirmationPlan("Pause", sentences, "Pause them"), deployments.pause, "are paused"
        )

    @admin.action(description="Resume", permissions=["look_after"])
    def resume_selected(self, request, queryset):
        sentences = [
            "They are watched again: a snapshot of each is taken within a minute, and then according to its settings."
        ]
        plan = ConfirmationPlan("Resume", sentences, "Resume them")
        return self._move_each(request, queryset, plan, deployments.resume, "are watched again")

    @admin.action(description="Archive", permissions=["look_after"])
    def archive_selected(self, request, queryset):
        sentences = [
            f"The experiments are over: these are not watched any more and their alarms end. {_STAYS}",
            "What their databases received since the newest snapshots is not here; take last ones first.",
        ]
        plan = ConfirmationPlan("Archive", sentences, "Archive them", stops=True)
        return self._move_each(request, queryset, plan, deployments.archive, "are archived")

    def _move_each(self, request, queryset, plan: ConfirmationPlan, verb, outcome: str):
        return on_each(self, request, queryset, plan, lambda row: verb(row, user=request.user), outcome)
