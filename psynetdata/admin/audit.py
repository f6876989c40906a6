from django.contrib import admin
from django.db.models import Q
from unfold.decorators import display

from psynetdata import rights
from psynetdata.models import Audit

from .pages import html
from .pages.cards import Card, CardsAdmin, ReadOnly
from .pages.visibility import BY_DEPLOYMENT, Visible, hidden

# The file that was loaded and the database that was restored; hidden from the same people as on other pages.
_OF_PLACES = ("origin", "database")


@admin.register(Audit)
class AuditAdmin(Visible, ReadOnly, CardsAdmin):
    list_display = ("time", "username", "verb", "target", "deployment", "seen")
    list_filter = ("verb", "identified", BY_DEPLOYMENT)
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("username", "target")
    search_help_text = "user or target"
    sortable_by = ("time",)

    def get_queryset(self, request):
        entries = super().get_queryset(request)
        # A record without a deployment can be about several; a user who may not see all deployments sees only their
        # own records of this kind.
        return entries.filter(Q(deployment__isnull=False) | Q(user=request.user)) if hidden(request) else entries

    @display(description="identified data")
    def seen(self, obj):
        """Mark only reads of identified data: a cross next to every other record would look like an error."""
        return html.badge("identified") if obj.identified else html.EMPTY

    @display(description="time", ordering="at")
    def time(self, obj):
        return html.utc(obj.at)

    def cards(self, request, obj):
        shown = obj.details
        if not rights.can_see_places(request.user):
            shown = {name: value for name, value in shown.items() if name not in _OF_PLACES}
        facts = [
            ("time", html.utc(obj.at)),
            ("who", obj.username),
            ("what", f"{obj.verb} {obj.target}".strip()),
            ("deployment", html.to_object(obj.deployment)),
            ("identified data", html.value(obj.identified)),
            ("details", html.json_value(shown)),
        ]
        return [Card("Summary", facts=facts)]
