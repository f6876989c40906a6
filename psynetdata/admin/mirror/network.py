from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter, SingleNumericFilter

from psynetdata.models import Asset, Network, Node, Trial

from .list_filters import ClassFilter, DeploymentFilter, TrialMakerFilter
from .mirror_admin import MirrorAdmin


@admin.register(Network)
class NetworkAdmin(MirrorAdmin):
    list_display = (
        "id", "class_label", "deployment", "trial_maker_id", "chain_type", "participant", "role", "target_n_trials",
        "full", "failed_badge", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        TrialMakerFilter,
        ("full", BooleanRadioFilter),
        ("failed", BooleanRadioFilter),
        ("participant_id", SingleNumericFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    search_texts = ("definition", "context")
    points_to = ("participant_id", "head_id")
    pointed_at = ((Node, "network_id"), (Trial, "network_id"), (Asset, "network_id"))
