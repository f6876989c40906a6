from collections.abc import Iterable

from django.contrib import admin
from django.urls import re_path
from unfold.decorators import display

from psynetdata import rights
from psynetdata.models import TYPED_MODELS, Deployment, Job, MirroredTable, Record
from psynetdata.psynet import times

from .pages import html
from .pages.cards import Card, CardsAdmin
from .pages.shown_face import shown_face
from .pages.visibility import Visible, hidden
from .sheet.sheet_page import sheet_page, sheets_card

SHOWN_JOBS = 10


@admin.register(Deployment)
class DeploymentAdmin(Visible, CardsAdmin):
    """A deployment and its data; exports.admin adds its snapshots and exports."""

    deployment_column = "pk"
    list_display = ("label_or_id", "deployment_id", "state_badge", "source", "created")
    list_filter = ("state", "source")
    list_filter_submit = False
    search_fields = ("label", "deployment_id")
    ordering = ("-number",)

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_fieldsets(self, request, obj=None):
        names = ("label", "assets_url") if rights.can_see_places(request.user) else ("label",)
        return (("Settings", {"fields": names}),)

    @display(description="deployment", ordering="label")
    def label_or_id(self, obj):
        return str(obj)

    @display(description="state", ordering="state")
    def state_badge(self, obj):
        return html.badge(obj.state)

    @display(description="registered", ordering="created_at")
    def created(self, obj):
        return html.utc(obj.created_at)

    def get_urls(self):
        page = self.admin_site.admin_view(self.sheet_view)
        name = "psynetdata_deployment_sheet"
        # An experimenter's class or table can have any name, also one with a slash, a line end, or none at all.
        return [re_path(r"^(?P<number>[0-9]+)/sheets/(?P<name>[\s\S]*)/$", page, name=name), *super().get_urls()]

    def sheet_view(self, request, number: str, name: str):
        return sheet_page(self, request, number, name)

    def cards(self, request, obj):
        return [self.about(request, obj), self.data(request, obj), self.jobs(request, obj)]

    def about(self, request, obj) -> Card:
        place = obj.source_url if rights.can_see_places(request.user) else ""
        versions = (
            f"{name} {version}"
            for name, version in (
                ("PsyNet", obj.psynet_version), ("Dallinger", obj.dallinger_version), ("Python", obj.python_version)
            )
            if version
        )  # fmt: skip
        facts = [
            ("deployment id", obj.deployment_id),
            ("state", html.badge(obj.state)),
            ("source", f"{obj.source} {place}".strip()),
            ("versions", ", ".join(versions) or html.EMPTY),
            ("its server's clock", times.offset_words(obj.clock_offset)),
        ]
        if obj.continues_id and obj.continues_id not in hidden(request):
            facts.append(("continues", html.to_object(obj.continues)))
        return Card("Summary", facts=facts)

    def data(self, request, obj) -> Card:
        """Return the card with the number of rows per table of the shown face, each with a link to its list."""
        known = MirroredTable.objects.using(shown_face(request)).filter(deployment_number=obj.number)
        tables = {row.table: row for row in known}
        full = {table for table, state in tables.items() if state.rows}
        typed = [table for table in TYPED_MODELS if table in full]
        rows = [self._data_row(obj, tables[table]) for table in [*typed, *sorted(full - set(typed))]]
        note = "" if tables else "Nothing is mirrored yet; a snapshot fills the mirror."
        return Card(
            "Data",
            headers=("table", "rows", "refreshed"),
            rows=rows,
            note=note,
            footnote=without_rows(set(tables) - full),
        )

    def sheets(self, request, obj) -> Card:
        return sheets_card(obj, shown_face(request))

    def _data_row(self, obj, state: MirroredTable):
        model = TYPED_MODELS.get(state.table)
        if model:
            name = html.link(html.list_url(model, deployment=obj.number), str(model._meta.verbose_name_plural))
        else:
            name = html.link(html.list_url(Record, deployment=obj.number, table=state.table), state.table)
        return name, html.number(state.rows), html.utc(state.refreshed_at)

    def jobs(self, request, obj) -> Card:
        rows = [
            (html.to_object(job), html.badge(job.state), job.phase or html.EMPTY, html.utc(job.created_at))
            for job in Job.objects.filter(deployment=obj)[:SHOWN_JOBS]
        ]
        return Card("Jobs", headers=("job", "state", "phase", "asked for"), rows=rows)


def without_rows(tables: Iterable[str]) -> str:
    names = ", ".join(sorted(tables))
    return f"Tables without rows: {names}." if names else ""
