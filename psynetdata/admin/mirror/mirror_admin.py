"""Base classes of the admin of mirrored tables: one face, read-only, links that follow PsyNet's keys."""

import json
from contextlib import nullcontext
from typing import ClassVar

from django.db.models import Q
from unfold.decorators import display
from unfold.views import ChangeList

from psynetdata.admin.pages import bounded_list, html
from psynetdata.admin.pages.cards import CardsAdmin, ReadOnly
from psynetdata.admin.pages.shown_face import face_context, record_read, shown_face
from psynetdata.admin.pages.visibility import only_mirrored
from psynetdata.faces import reading
from psynetdata.models import TYPED_MODELS, MirrorModel
from psynetdata.psynet.tables import keys_by_name

from . import row_page
from .list_filters import asked_number, deployment_labels, rows_of_deployment

# Columns with long texts that no list shows.
_LARGE = {"rest", "vars", "definition", "context", "seed"}


class MirrorChangeList(ChangeList):
    """A list that does not load large texts that it does not show, and that adds the deployments' labels.

    `looked_through`: number of the newest rows that were searched, or None for all.
    """

    looked_through: int | None = None

    def get_filters_params(self, params=None):
        filters = super().get_filters_params(params)
        filters.pop(bounded_list.ALL, None)
        return filters

    def get_queryset(self, request, exclude_parameters=None):
        rows = super().get_queryset(request, exclude_parameters)
        if bounded_list.looks_through(request.GET):
            rows = self._among_the_newest(request, rows)
        known = {field.name for field in self.model._meta.concrete_fields}
        return rows.defer(*(_LARGE & known))

    def _among_the_newest(self, request, queryset):
        rows = self.root_queryset
        if (number := asked_number(request.GET.get("deployment"))) is not None:
            rows = rows_of_deployment(rows, number)
        if (floor := bounded_list.floor(rows)) is None:
            return queryset
        self.looked_through = bounded_list.NEWEST
        return queryset.filter(key__gt=floor)

    @property
    def all_rows_url(self) -> str:
        return self.get_query_string({bounded_list.ALL: "yes"})

    def get_results(self, request):
        super().get_results(request)
        labels = deployment_labels(request)
        self.result_list = list(self.result_list)
        for rows in self.result_list:
            rows.deployment_label = labels.get(rows.deployment_number, f"deployment {rows.deployment_number}")


class MirrorAdmin(ReadOnly, CardsAdmin):
    """A mirrored table on the face that the user sees.

    `points_to`: keys to other mirrored tables; `pointed_at`: (model, its column that holds our id).
    A search for a whole number finds the id; other text is searched for in `search_texts`;
    `search_exact` lists columns that must equal it (Django's `search_fields` only makes the search box appear).
    """

    points_to: ClassVar[tuple[str, ...]] = ()
    pointed_at: ClassVar[tuple[tuple[type[MirrorModel], str], ...]] = ()
    search_texts: ClassVar[tuple[str, ...]] = ()
    search_exact: ClassVar[tuple[str, ...]] = ()
    search_fields = ("id",)
    change_form_template = "admin/psynetdata/mirror_row.html"
    list_before_template = "admin/psynetdata/face.html"
    # Both have an index; sorting by anything else would sort the whole table.
    sortable_by = ("id", "created")
    ordering = ("-key",)

    @property
    def linked_by(self) -> tuple[str, ...]:
        return tuple(self.points_to)

    @property
    def search_help_text(self) -> str:
        columns = ", ".join(name.replace("_", " ") for name in (*self.search_exact, *self.search_texts))
        return f"id, or text of {columns}" if columns else "id"

    def get_queryset(self, request):
        return only_mirrored(request, super().get_queryset(request).using(shown_face(request)))

    def get_changelist(self, request, **kwargs):
        return MirrorChangeList

    def changelist_view(self, request, extra_context=None):
        record_read(
            request,
            f"list of {self.opts.verbose_name_plural}",
            deployment_number=asked_number(request.GET.get("deployment")),
            searched=bool(request.GET.get("q")),
        )
        # An action may queue a job, and its broker closes all connections.
        with nullcontext() if request.method == "POST" else reading(shown_face(request)):
            return super().changelist_view(request, {**face_context(request), **(extra_context or {})})

    def get_search_results(self, request, queryset, search_term):
        return queryset.filter(self.search_condition(search_term)), False

    def search_condition(self, term: str) -> Q:
        """Return the condition for a search; text is also searched for in its JSON-escaped form."""
        term = term.strip()
        bare = term.strip('"')
        if not bare:
            return Q()
        condition = Q(*((column, bare) for column in self.search_exact), _connector=Q.OR)
        if term.isascii() and term.isdecimal() and len(term) < 19:
            return condition | Q(id=int(term))
        forms = {bare, json.dumps(bare)[1:-1]}
        for column in self.search_texts:
            condition |= Q(*((f"{column}__icontains", form) for form in forms), _connector=Q.OR)
        return condition or Q(pk__in=())

    # --- columns of lists ------------------------------------------------------------------
    @display(description="deployment")
    def deployment(self, obj):
        return obj.deployment_label

    @display(description="class")
    def class_label(self, obj):
        return obj.class_name

    @display(description="created", ordering="creation_time")
    def created(self, obj):
        return html.utc(obj.creation_time)

    @display(description="answer")
    def answer_short(self, obj):
        return html.short(obj.answer)

    @display(description="participant")
    def participant(self, obj):
        return self.link_along(obj, "participant_id")

    @display(description="trial")
    def trial(self, obj):
        return self.link_along(obj, "trial_id")

    @display(description="node")
    def node(self, obj):
        return self.link_along(obj, "node_id")

    @display(description="network")
    def network(self, obj):
        return self.link_along(obj, "network_id")

    def link_along(self, obj, column: str):
        """Return a link to the row whose id is in the column."""
        target, row_id = TYPED_MODELS[keys_by_name()[column].target], getattr(obj, column)
        if row_id is None:
            return html.EMPTY
        return html.link(html.change_url(target, target.make_key(obj.deployment_number, row_id)), row_id)

    @display(description="failed")
    def failed_badge(self, obj):
        """Mark only failures: a cross next to every other row would look like a failure."""
        return html.badge("failed") if obj.failed else html.EMPTY

    # --- the page of a row -----------------------------------------------------------------
    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        record_read(request, str(obj), deployment_number=obj.deployment_number)
        context.update(face_context(request))
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def cards(self, request, obj):
        face = shown_face(request)
        state = row_page.table_state(face, obj)
        short = row_page.in_short(obj, state, face, deployment_labels(request))
        short.facts += [(row_page.readable(column), self.link_along(obj, column)) for column in self.points_to]
        if self.pointed_at:
            short.facts.append(("related rows", row_page.links_to_rows(obj, self.pointed_at)))
        return [short, *row_page.everything(obj, state)]
