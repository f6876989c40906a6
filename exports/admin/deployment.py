"""psynetdata's Deployment pages, with what this app knows: snapshots and exports."""

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from exports.models import Snapshot
from psynetdata.admin import html
from psynetdata.admin.deployment import DeploymentAdmin as DataDeploymentAdmin
from psynetdata.admin.pages import Card
from psynetdata.models import Deployment
from psynetdata.rights import can_export

from .ask import ask_for_export
from .export import exports_card
from .snapshot import versions

SHOWN = 10

admin.site.unregister(Deployment)


def with_newest_snapshot(deployments) -> list[Deployment]:
    """The deployments, each with `.newest` (Snapshot or None): two queries, however many they are."""
    newest = Snapshot.objects.good().filter(deployment=OuterRef("pk")).order_by("-taken_at", "-id")
    rows = list(deployments.annotate(newest_id=Subquery(newest.values("pk")[:1])))
    snapshots = Snapshot.objects.in_bulk({row.newest_id for row in rows if row.newest_id})
    for row in rows:
        row.newest = snapshots.get(row.newest_id)
    return rows


def rows_in(snapshot: Snapshot | None, table: str) -> str:
    return html.number(snapshot.tables.get(table, {}).get("rows") if snapshot else None)


class DeploymentChangeList(ChangeList):
    def get_results(self, request):
        super().get_results(request)
        wanted = [row.pk for row in self.result_list]
        found = {row.pk: row for row in with_newest_snapshot(Deployment.objects.filter(pk__in=wanted))}
        self.result_list = [found[pk] for pk in wanted]


@admin.register(Deployment)
class DeploymentAdmin(DataDeploymentAdmin):
    list_display = (
        "label_or_id", "deployment_id", "state_badge", "source", "newest_snapshot", "age", "participants", "trials",
    )  # fmt: skip
    actions_detail = ("export_anonymized", "export_as_it_is")
    actions_row = ("export_anonymized", "export_as_it_is")

    def get_changelist(self, request, **kwargs):
        return DeploymentChangeList

    @display(description="newest snapshot")
    def newest_snapshot(self, obj):
        return html.to_object(obj.newest)

    @display(description="its age")
    def age(self, obj):
        return html.age(obj.newest.taken_at) if obj.newest else html.EMPTY

    @display(description="participants")
    def participants(self, obj):
        return rows_in(obj.newest, "participant")

    @display(description="trials")
    def trials(self, obj):
        return rows_in(obj.newest, "info")

    @action(
        description="Export, anonymized",
        url_path="export-anonymized",
        permissions=["export_anonymous"],
        icon="shield_person",
        variant=ActionVariant.PRIMARY,
    )
    def export_anonymized(self, request, object_id):
        return ask_for_export(self, request, object_id, mode="anonymous")

    @action(
        description="Export, as it is",
        url_path="export-as-it-is",
        permissions=["export_regular"],
        icon="download",
    )
    def export_as_it_is(self, request, object_id):
        return ask_for_export(self, request, object_id, mode="regular")

    # By name and not as "exports.export_regular": unfold's system check would ask the database for that,
    # and no command could start before the first migration.
    def has_export_anonymous_permission(self, request, object_id=None) -> bool:
        return can_export(request.user, "anonymous")

    def has_export_regular_permission(self, request, object_id=None) -> bool:
        return can_export(request.user, "regular")

    def cards(self, request, obj):
        about, data, jobs = super().cards(request, obj)
        return [about, self.snapshots(obj), data, exports_card(obj.exports.select_related("job", "owner")), jobs]

    def snapshots(self, obj) -> Card:
        rows = [_snapshot_row(row) for row in obj.snapshots.defer("tables")[:SHOWN]]
        note = "" if rows else "There is no snapshot yet; `manage.py load` makes one from a database.zip."
        return Card("Snapshots", headers=("snapshot", "state", "of", "age", "rows", "versions"), rows=rows, note=note)


def _snapshot_row(row: Snapshot) -> tuple:
    taken = row.taken_at
    return (
        html.to_object(row),
        html.badge(row.state),
        html.utc(taken),
        html.age(taken),
        html.number(row.rows),
        versions(row),
    )
