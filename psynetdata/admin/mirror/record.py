from django.contrib import admin
from unfold.contrib.filters.admin import SingleNumericFilter
from unfold.decorators import display

from psynetdata.admin.pages import html
from psynetdata.models import Record

from .list_filters import ClassFilter, DeploymentFilter, TableFilter
from .mirror_admin import MirrorAdmin


@admin.register(Record)
class RecordAdmin(MirrorAdmin):
    """Rows of all tables without their own model; some have no id."""

    list_display = ("name", "table", "class_label", "deployment", "participant", "created")
    list_filter = (DeploymentFilter, TableFilter, ClassFilter, ("participant_id", SingleNumericFilter))
    search_texts = ("rest",)
    points_to = ("participant_id",)
    sortable_by = ()

    @display(description="id")
    def name(self, obj):
        return obj.id or html.EMPTY
