from django.contrib import admin
from unfold.contrib.filters.admin import BooleanRadioFilter, RangeDateTimeFilter, SingleNumericFilter

from psynetdata.models import Response, Trial

from .list_filters import ClassFilter, DeploymentFilter
from .mirror_admin import MirrorAdmin


@admin.register(Response)
class ResponseAdmin(MirrorAdmin):
    list_display = (
        "id", "deployment", "participant", "question", "answer_short", "page_type", "successful_validation", "created",
    )  # fmt: skip
    list_filter = (
        DeploymentFilter,
        ClassFilter,
        ("successful_validation", BooleanRadioFilter),
        ("participant_id", SingleNumericFilter),
        ("creation_time", RangeDateTimeFilter),
    )
    search_texts = ("question", "answer")
    points_to = ("participant_id",)
    pointed_at = ((Trial, "response_id"),)
