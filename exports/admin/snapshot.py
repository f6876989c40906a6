from django.contrib import admin
from unfold.decorators import display

from exports.models import Snapshot
from psynetdata import rights
from psynetdata.admin import html
from psynetdata.admin.deployment import clock_words, without_rows
from psynetdata.admin.pages import Card, CardsAdmin, ReadOnly

from .export import exports_card


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly, CardsAdmin):
    list_display = ("name", "deployment", "state_badge", "taken", "age", "row_count", "raw_size", "psynet_version")
    list_filter = ("state", "deployment")
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("id", "deployment__label", "deployment__deployment_id")
    sortable_by = ("taken", "row_count")

    def get_queryset(self, request):
        return super().get_queryset(request).defer("tables") if _is_list(request) else super().get_queryset(request)

    @display(description="snapshot")
    def name(self, obj):
        return str(obj)

    @display(description="state")
    def state_badge(self, obj):
        return html.badge(obj.state)

    @display(description="the moment it is of", ordering="taken_at")
    def taken(self, obj):
        return html.utc(obj.taken_at)

    @display(description="age")
    def age(self, obj):
        return html.age(obj.taken_at)

    @display(description="rows", ordering="rows")
    def row_count(self, obj):
        return html.number(obj.rows)

    @display(description="size as CSV")
    def raw_size(self, obj):
        return html.size(obj.bytes)

    def cards(self, request, obj):
        facts = [
            ("deployment", html.to_object(obj.deployment)),
            ("state", html.badge(obj.state)),
            ("the moment it is of", html.utc(obj.taken_at)),
            ("stored", html.utc(obj.stored_at)),
            ("rows", f"{html.number(obj.rows)} in {len(obj.tables)} tables, {html.size(obj.bytes)} as CSV"),
            ("versions", versions(obj)),
            ("its server's clock", clock_words(obj.clock_offset)),
        ]
        if rights.can_see_places(request.user):
            facts.append(("loaded from", obj.origin or html.EMPTY))
        full = sorted((name, entry["rows"]) for name, entry in obj.tables.items() if entry["rows"])
        rows = [(name, html.number(count)) for name, count in full]
        empty = without_rows(name for name, entry in obj.tables.items() if not entry["rows"])
        made = obj.exports.select_related("job", "owner", "snapshot")
        return [
            Card("In short", facts=facts),
            Card("Rows per table", headers=("table", "rows"), rows=rows, footnote=empty),
            exports_card(made),
        ]


def versions(obj) -> str:
    """`PsyNet 13.3.0, Dallinger 12.4.0, Python 3.13`, as far as they are known."""
    known = (("PsyNet", obj.psynet_version), ("Dallinger", obj.dallinger_version), ("Python", obj.python_version))
    return ", ".join(f"{name} {version}" for name, version in known if version) or "not known"


def _is_list(request) -> bool:
    return bool(request.resolver_match) and request.resolver_match.url_name.endswith("_changelist")
