"""psynetdata's Participant pages, with players for the files of their assets, and an export of some of them."""

from django.contrib import admin, messages

from exports.admin.asset.asset_admin import files_of
from exports.admin.asset.asset_file import viewable_among
from exports.admin.export import request_page
from exports.package import participant_list
from psynetdata import rights
from psynetdata.admin.mirror.participant import ParticipantAdmin as DataParticipantAdmin
from psynetdata.models import Participant

from .withdrawal_admin import WithdrawActions

admin.site.unregister(Participant)


@admin.register(Participant)
class ParticipantAdmin(WithdrawActions, DataParticipantAdmin):
    actions = ("export_selected", "withdraw_selected")
    actions_detail = ("withdraw",)

    @admin.action(description="Export their data", permissions=["export"])
    def export_selected(self, request, queryset):
        """Show the request page of an export for only these participants."""
        selected = list(queryset.order_by("key").values_list("deployment_number", "id")[: participant_list.MOST + 1])
        deployments = {number for number, _ in selected}
        if len(deployments) != 1:
            messages.error(request, "An export has one deployment; choose one in the filter, and its participants.")
            return None
        if len(selected) > participant_list.MOST:
            most = participant_list.MOST
            messages.error(request, f"At most {most} at a time; to export all of them, export the deployment.")
            return None
        deployment = rights.visible_deployments(request.user).get(pk=deployments.pop())
        return request_page.page_for(request, deployment, [number for _, number in selected])

    def has_export_permission(self, request, object_id=None) -> bool:
        return rights.can_export_some(request.user)

    def files_of(self, request, obj, assets):
        by_id = {asset.id: asset for asset in assets}
        return {
            number: files_of(by_id[number], shown, rows, texts=False)
            for number, (shown, rows) in viewable_among(request, assets).items()
        }
