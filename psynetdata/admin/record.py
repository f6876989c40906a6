from django.contrib import admin
from unfold.contrib.filters.admin import SingleNumericFilter
from unfold.decorators import display

from psynetdata.models import Participant, Record

from . import html
from .filters import ClassFilter, DeploymentFilter, TableFilter
from .mirror import MirrorAdmin


@admin.register(Record)
class RecordAdmin(MirrorAdmin):
    """Rows of every table that has no model of its own; some have no id."""

    list_display = ("name", "table", "class_label", "deployment", "participant", "created")
    list_filter = (DeploymentFilter, TableFilter, ClassFilter, ("participant_id", SingleNumericFilter))
    search_texts = ("rest",)
    points_to = {"participant_id": Participant}
    sortable_by = ()

    @display(description="id")
    def name(self, obj):
        return obj.id or html.EMPTY
