from django.contrib import admin
from django.db.models import Q
from unfold.decorators import display

from psynetdata.models import Audit

from . import html
from .pages import Card, CardsAdmin, ReadOnly
from .visible import BY_DEPLOYMENT, Visible, hidden


@admin.register(Audit)
class AuditAdmin(Visible, ReadOnly, CardsAdmin):
    list_display = ("time", "username", "verb", "target", "deployment", "identified")
    list_filter = ("verb", "identified", BY_DEPLOYMENT)
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("username", "target")
    sortable_by = ("time",)

    def get_queryset(self, request):
        found = super().get_queryset(request)
        # A line of no deployment can speak of several; whom one is hidden from sees their own such lines only.
        return found.filter(Q(deployment__isnull=False) | Q(user=request.user)) if hidden(request) else found

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
