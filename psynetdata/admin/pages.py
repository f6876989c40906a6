"""What every page of the admin is made of: read-only models, and cards instead of disabled form fields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin import ShowFacets
from django.http import HttpRequest
from unfold.admin import ModelAdmin


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
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_per_page = 50
    compressed_fields = True

    class Media:
        css = {"all": ("psynetdata/admin.css",)}
        js = ("psynetdata/progress.js",)

    def cards(self, request: HttpRequest, obj) -> list[Card]:
        """The blocks of the page of `obj`, top to bottom."""
        return []

    def get_fieldsets(self, request, obj=None):
        if self.fields or self.fieldsets:
            return super().get_fieldsets(request, obj)
        return []

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context["cards"] = self.cards(request, obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)
