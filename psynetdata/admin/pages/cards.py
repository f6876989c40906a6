"""What every page of the admin is made of: read-only models, and cards instead of disabled form fields."""

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
    """A titled block of a page: facts (name, value), or a table, or a template of its own, in that order."""

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
    """Nothing is added, changed or deleted from the site."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class CardsAdmin(ModelAdmin):
    """A model whose page shows cards; form fields only where `fieldsets` or `fields` names some."""

    change_form_template = "admin/psynetdata/cards.html"
    # Neither a total of all rows nor one per filter choice: each would count a million rows.
    show_full_result_count = False
    paginator = BoundedPaginator
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_per_page = 50
    compressed_fields = True
    # Columns that links on other pages filter this list by.
    linked_by: ClassVar[tuple[str, ...]] = ()

    class Media:
        js = ("psynetdata/progress.js", "psynetdata/copy.js", "psynetdata/unfold.js")

    def cards(self, request: HttpRequest, obj) -> list[Card]:
        """The blocks of the page of `obj`, top to bottom."""
        return []

    def changelist_view(self, request, extra_context=None):
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation("The address holds a NUL character; no text in a database does.")
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup, value, request):
        """Only what the list's filters and our own links ask for.

        Django lets an address ask anything about any column (`?sealed_key__startswith=…`), also those that
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
    """Whether an entry of `list_filter` (Django's forms of it) puts the lookup into addresses."""
    if not isinstance(entry, str | tuple):
        return lookup == entry.parameter_name
    name = entry if isinstance(entry, str) else entry[0]
    field = get_fields_from_path(model, name)[-1]
    if field.is_relation:
        return lookup in (f"{name}__{field.target_field.name}__exact", f"{name}__isnull")
    # Filters of a range have names of their own: `creation_time_from_0`.
    ranges = tuple(f"{name}{end}" for end in ("_from", "_to"))
    return lookup in (name, f"{name}__exact", f"{name}__isnull") or (lookup.startswith(ranges) and "__" not in lookup)
