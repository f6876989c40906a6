from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter, SingleNumericFilter

from psynetdata.models import Asset, Node, Trial

from .list_filters import ClassFilter, DeploymentFilter, TrialMakerFilter
from .mirror_admin import MirrorAdmin


@admin.register(Node)
class NodeAdmin(MirrorAdmin):
    list_display = (
        "id", "class_label", "deployment", "trial_maker_id", "network", "participant", "degree", "target_n_trials",
        "failed_badge", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        TrialMakerFilter,
        ("failed", BooleanRadioFilter),
        ("network_id", SingleNumericFilter),
        ("participant_id", SingleNumericFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    search_texts = ("definition", "seed")
    points_to = ("network_id", "participant_id", "parent_id", "child_id")
    pointed_at = ((Trial, "node_id"), (Asset, "node_id"), (Node, "parent_id"))
