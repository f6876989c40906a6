"""Building blocks of every admin page: read-only models, and cards instead of disabled form fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from .bounded_list import BoundedPaginator


@dataclass
class Card:
    """A titled block of a page: a note, its own template, facts (name, value) and a table, each of them optional."""

    title: str
    facts: Sequence[tuple[str, Any]] = ()
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    template: str = ""
    note: str = ""
    footnote: str = ""
    context: dict = field(default_factory=dict)
    folded: bool = False


class ReadOnly:
    """Rows cannot be added, changed or deleted in the admin."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class CardsAdmin(ModelAdmin):
    """A model whose page shows cards; form fields appear only if `fieldsets` or `fields` lists some."""

    change_form_template = "admin/psynetdata/cards.html"
    # No total of all rows and none per filter choice: each would count a million rows.
    show_full_result_count = False
    paginator = BoundedPaginator
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_per_page = 50
    compressed_fields = True
    # Columns by which links on other pages filter this list.
    linked_by: ClassVar[tuple[str, ...]] = ()

    class Media:
        js = ("psynetdata/progress.js", "psynetdata/copy.js", "psynetdata/unfold.js")

    def cards(self, request: HttpRequest, obj) -> list[Card]:
        """Return the cards on the page of `obj`, from top to bottom."""
        return []

    def changelist_view(self, request, extra_context=None):
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation("The URL contains a NUL character; no text in a database does.")
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup, value, request):
        """Allow only lookups that the list's filters and our own links use.

        Django lets a URL filter by any column (`?sealed_key__startswith=…`), including columns that
        no page shows, and with lookups that fail or never end.
        """
        return lookup in self.linked_by or any(_asks(self.model, entry, lookup) for entry in self.list_filter)

    def get_fieldsets(self, request, obj=None):
        if self.fields or self.fieldsets:
            return super().get_fieldsets(request, obj)
        return []

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context["cards"] = self.cards(request, obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)


def _asks(model, entry, lookup: str) -> bool:
    """Return whether an entry of `list_filter` (in any of Django's forms) uses this lookup in URLs."""
    if not isinstance(entry, str | tuple):
        return lookup == entry.parameter_name
    name = entry if isinstance(entry, str) else entry[0]
    field = get_fields_from_path(model, name)[-1]
    if field.is_relation:
        return lookup in (f"{name}__{field.target_field.name}__exact", f"{name}__isnull")
    # Range filters have their own names: `creation_time_from_0`.
    ranges = tuple(f"{name}{end}" for end in ("_from", "_to"))
    return lookup in (name, f"{name}__exact", f"{name}__isnull") or (lookup.startswith(ranges) and "__" not in lookup)
