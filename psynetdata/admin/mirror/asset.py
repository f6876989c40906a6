from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter, SingleNumericFilter
from unfold.decorators import display

from psynetdata.admin.pages import html
from psynetdata.models import Asset

from .list_filters import ClassFilter, DeploymentFilter
from .mirror_admin import MirrorAdmin


@admin.register(Asset)
class AssetAdmin(MirrorAdmin):
    list_display = (
        "id", "class_label", "deployment", "module_id", "local_key", "participant", "trial", "file_size", "personal",
        "deposited", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        ("personal", BooleanRadioFilter),
        ("deposited", BooleanRadioFilter),
        ("participant_id", SingleNumericFilter),
        ("trial_id", SingleNumericFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    search_texts = ("module_id", "local_key", "export_path", "description")
    points_to = ("participant_id", "trial_id", "node_id", "network_id")

    @display(description="size")
    def file_size(self, obj):
        return html.EMPTY if obj.size_mb is None else html.size(round(obj.size_mb * 1_000_000))
