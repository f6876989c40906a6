from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter, SingleNumericFilter
from unfold.decorators import display

from psynetdata.admin.pages import html
from psynetdata.models import Asset, Trial

from .list_filters import ClassFilter, DeploymentFilter, TrialMakerFilter
from .mirror_admin import MirrorAdmin


@admin.register(Trial)
class TrialAdmin(MirrorAdmin):
    list_display = (
        "id", "class_label", "deployment", "participant", "trial_maker_id", "node", "answer_short", "score",
        "state", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        TrialMakerFilter,
        ("failed", BooleanRadioFilter),
        ("complete", BooleanRadioFilter),
        ("finalized", BooleanRadioFilter),
        ("is_repeat_trial", BooleanRadioFilter),
        ("participant_id", SingleNumericFilter),
        ("node_id", SingleNumericFilter),
        ("network_id", SingleNumericFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    search_texts = ("answer", "definition")
    points_to = ("participant_id", "node_id", "network_id", "response_id", "parent_trial_id")
    pointed_at = ((Asset, "trial_id"), (Trial, "parent_trial_id"))

    @display(description="state")
    def state(self, obj):
        """Show the trial's latest state, in PsyNet's words."""
        if obj.failed:
            return html.badge("failed")
        if obj.finalized:
            return html.badge("finalized", "success")
        return html.badge("complete", "info") if obj.complete else html.badge("open", "neutral")
