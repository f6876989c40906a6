"""Actions on several snapshots at once."""

from django.contrib import admin

from exports.admin.export.request_form import SelectionForm
from exports.history import pin
from exports.models import Snapshot
from exports.operations import verify
from exports.package.request import request_export
from psynetdata import rights
from psynetdata.admin.pages.confirmation import ConfirmationPlan
from psynetdata.admin.pages.selection import on_each


class SelectedSnapshots:
    """For SnapshotAdmin."""

    actions = ("export_selected", "pin_selected", "unpin_selected", "verify_selected")

    def has_export_permission(self, request, object_id=None) -> bool:
        return rights.can_export_some(request.user)

    @admin.action(description="Export", permissions=["export"])
    def export_selected(self, request, queryset):
        form = SelectionForm.from_request(request)
        sentences = [
            "A worker builds an export of each snapshot, one after another, with the same options for all. Each "
            "export, and each download of it, is recorded with your name.",
        ]
        plan = ConfirmationPlan("Export", sentences, "Start the exports", form=form)

        def do(row: Snapshot) -> None:
            request_export(row.deployment, form.options(), owner=request.user, snapshot=row)

        return on_each(self, request, queryset.select_related("deployment"), plan, do, "exports were requested")

    @admin.action(description="Pin", permissions=["look_after"])
    def pin_selected(self, request, queryset):
        plan = ConfirmationPlan(
            "Pin", ["They are kept for good, whatever their deployments' retention rules say."], "Pin them"
        )
        return on_each(self, request, queryset, plan, lambda row: pin.pin(row, user=request.user), "are pinned")

    @admin.action(description="Unpin", permissions=["look_after"])
    def unpin_selected(self, request, queryset):
        sentences = [
            "From then on their deployments' retention rules decide about them as about any others: snapshots that "
            "they do not keep are deleted with the next prune, within a day.",
        ]
        plan = ConfirmationPlan("Unpin", sentences, "Unpin them", stops=True)
        return on_each(self, request, queryset, plan, lambda row: pin.unpin(row, user=request.user), "are not pinned")

    @admin.action(description="Verify", permissions=["look_after"])
    def verify_selected(self, request, queryset):
        sentences = [
            "A worker reads everything that is stored of each, compares its hashes and counts its rows. Nothing is "
            "changed; damage is noted, and the next snapshot reads those rows from the source again.",
        ]
        plan = ConfirmationPlan("Verify", sentences, "Verify them")
        return on_each(
            self, request, queryset, plan, lambda row: verify.ask(row, owner=request.user), "are being verified"
        )
