from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter
from unfold.decorators import display

from psynetdata.admin.pages import html
from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.models import Asset, Node, Participant, Record, Response, Trial

from .journey import journey_card
from .list_filters import ClassFilter, DeploymentFilter
from .mirror_admin import MirrorAdmin


@admin.register(Participant)
class ParticipantAdmin(MirrorAdmin):
    list_display = (
        "id", "worker", "deployment", "status", "progress_percent", "complete", "failed_badge", "bonus", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        ("complete", BooleanRadioFilter),
        ("failed", BooleanRadioFilter),
        ("aborted", BooleanRadioFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    # On the anonymous face this column holds pseudonyms, so a real id finds nothing there.
    search_exact = ("worker_id",)
    search_texts = ("answer",)
    pointed_at = (
        (Trial, "participant_id"),
        (Response, "participant_id"),
        (Asset, "participant_id"),
        (Node, "participant_id"),
        (Record, "participant_id"),
    )

    def cards(self, request, obj):
        short, *rest = super().cards(request, obj)
        way = journey_card(obj, shown_face(request), lambda assets: self.files_of(request, obj, assets))
        return [short, way, *rest]

    def files_of(self, request, obj, assets: list[Asset]) -> dict[int, list[dict]]:
        """Return {asset id: files for templates/admin/exports/asset.html}. Empty here; exports.admin adds files."""
        return {}

    @display(description="worker id")
    def worker(self, obj):
        return html.short(obj.worker_id)

    @display(description="progress")
    def progress_percent(self, obj):
        return html.EMPTY if obj.progress is None else f"{obj.progress:.0%}"
