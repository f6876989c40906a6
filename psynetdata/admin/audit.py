from django.contrib import admin
from unfold.decorators import display

from psynetdata.models import Audit

from . import html
from .pages import Card, CardsAdmin, ReadOnly


@admin.register(Audit)
class AuditAdmin(ReadOnly, CardsAdmin):
    list_display = ("time", "username", "verb", "target", "deployment", "identified")
    list_filter = ("verb", "identified", "deployment")
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("username", "target")
    sortable_by = ("time",)

    @display(description="time", ordering="at")
    def time(self, obj):
        return html.utc(obj.at)

    def cards(self, request, obj):
        facts = [
            ("time", html.utc(obj.at)),
            ("who", obj.username),
            ("what", f"{obj.verb} {obj.target}".strip()),
            ("deployment", html.to_object(obj.deployment)),
            ("identified data", html.value(obj.identified)),
            ("details", html.json_value(obj.details)),
        ]
        return [Card("In short", facts=facts)]
