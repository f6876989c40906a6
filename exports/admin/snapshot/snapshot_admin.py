from django.contrib import admin
from django.urls import path
from unfold.decorators import display

from exports.admin.export.export_admin import exports_card
from exports.admin.verify import verified_card
from exports.admin.watch.alarms import wrong_card
from exports.admin.watch.health import active_job, seconds_words
from exports.clearance.shown_names import ShownNames
from exports.history import accept
from exports.models import Snapshot
from psynetdata import rights
from psynetdata.admin.deployment import without_rows
from psynetdata.admin.job import progress_card
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card, CardsAdmin, ReadOnly
from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.admin.pages.visibility import BY_DEPLOYMENT, Visible
from psynetdata.psynet import times

from . import row_diff
from .bulk_actions import SelectedSnapshots
from .count_diff import changes_card, neighbour
from .snapshot_actions import SnapshotActions

# Lists show none of them.
_LARGE = ("tables", "sequences", "server", "damage")


@admin.register(Snapshot)
class SnapshotAdmin(SelectedSnapshots, SnapshotActions, Visible, ReadOnly, CardsAdmin):
    list_display = ("name", "deployment", "state_badge", "taken", "age", "row_count", "raw_size", "psynet_version")
    list_filter = ("state", BY_DEPLOYMENT)
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("id", "deployment__label", "deployment__deployment_id")
    sortable_by = ("taken", "row_count")

    def get_queryset(self, request):
        snapshots = super().get_queryset(request)
        return snapshots.defer(*_LARGE) if _is_list(request) else snapshots

    @display(description="snapshot")
    def name(self, obj):
        return str(obj)

    @display(description="state")
    def state_badge(self, obj):
        badges = [html.badge(obj.state)] + ([html.badge("pinned", "neutral")] if obj.pinned else [])
        return html.joined(badges)

    @display(description="time of the data", ordering="taken_at")
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

    def get_urls(self):
        view = self.admin_site.admin_view(self.changed_view)
        return [path("<int:number>/changed/", view, name=row_diff.PAGE), *super().get_urls()]

    def changed_view(self, request, number: int):
        return row_diff.page(self, request, number)

    # --- its page --------------------------------------------------------------------------
    def cards(self, request, obj):
        before, names = neighbour(obj, "lt"), ShownNames(shown_face(request), obj.deployment)
        counts = {name: obj.tables[table]["rows"] for table, name in names.tables(obj.tables).items()}
        rows = [(name, html.number(count)) for name, count in sorted(counts.items()) if count]
        empty = without_rows(name for name, count in counts.items() if not count)
        return [
            *self.first(request, obj),
            Card("Summary", facts=self.facts(request, obj, before)),
            _with_rows(changes_card(before, obj, names), obj),
            Card("Rows per table", headers=("table", "rows"), rows=rows, footnote=empty),
            *_server_cards(obj, names),
            exports_card(obj.exports.select_related("job", "owner", "snapshot")),
        ]

    def first(self, request, obj) -> list[Card]:
        """Return cards on what is wrong with it, and on work in progress."""
        cards = []
        if obj.state == Snapshot.State.SUSPECT:
            reason = obj.reason or "It was stored, but does not replace the newest good one."
            cards.append(wrong_card("Suspect", [reason]))
        if obj.damage:
            damaged = f"{len(obj.damage)} of its files are missing or damaged; “manage.py verify” lists them."
            cards.append(wrong_card("Damaged", [damaged]))
        job = active_job(obj.deployment, accept.KIND)
        if job and job.options.get("snapshot") == obj.pk:
            cards.append(progress_card(request, job, str(job).capitalize()))
        return [*cards, *verified_card(request, obj)]

    def facts(self, request, obj, before: Snapshot | None) -> list[tuple]:
        facts = [
            ("deployment", html.to_object(obj.deployment)),
            ("state", self.state_badge(obj)),
            ("time of the data", html.utc(obj.taken_at)),
            ("stored", html.utc(obj.stored_at)),
            ("rows", f"{html.number(obj.rows)} in {len(obj.tables)} tables, {html.size(obj.bytes)} as CSV"),
            ("added to the storage", f"{html.size(obj.new_bytes)}; the rest was already there from earlier snapshots"),
            ("versions", versions(obj)),
            ("its server's clock", times.offset_words(obj.clock_offset)),
            ("previous, next", html.joined([html.to_object(before), html.to_object(neighbour(obj, "gt"))])),
        ]
        if obj.seconds is not None:
            facts.insert(4, ("its transaction was open", seconds_words(obj.seconds)))
        if rights.can_see_places(request.user) and obj.origin:
            facts.append(("loaded from", obj.origin))
        return facts


def _server_cards(obj: Snapshot, names: ShownNames) -> list[Card]:
    """Return a card on the PostgreSQL server that it was taken from, and the last values of its sequences."""
    if not obj.server:
        return []
    version = int(obj.server.get("version", 0))
    facts = [
        ("PostgreSQL", f"{version // 10_000}.{version % 10_000}"),
        ("server started", str(obj.server.get("started", ""))),
        ("database, cluster", f"{obj.server.get('database')}, {obj.server.get('system')}"),
        ("last transaction", str(obj.server.get("horizon", ""))),
        ("every row read", str(obj.server.get("afresh_at", ""))),
    ]
    rows = [
        (names.name(name), html.number(last) if last is not None else "never used")
        for name, last in sorted(obj.sequences.items())
    ]
    title = f"Server, and {len(rows)} sequences"
    return [Card(title, facts=facts, headers=("sequence", "last value"), rows=rows, folded=True)]


def _with_rows(card: Card, obj: Snapshot) -> Card:
    """Return the card of counts, with a link to what changed row by row."""
    if card.rows:
        card.footnote = html.joined([card.footnote, html.link(row_diff.address(obj), "Row by row")])
    return card


def versions(obj) -> str:
    """Return a text like `PsyNet 13.3.0, Dallinger 12.4.0, Python 3.13`, as far as they are known."""
    known = (("PsyNet", obj.psynet_version), ("Dallinger", obj.dallinger_version), ("Python", obj.python_version))
    return ", ".join(f"{name} {version}" for name, version in known if version) or "not known"


def _is_list(request) -> bool:
    return bool(request.resolver_match) and request.resolver_match.url_name.endswith("_changelist")
