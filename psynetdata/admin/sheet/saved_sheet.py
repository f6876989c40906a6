"""Saved sheets, defined by staff: a form that shows its errors, and the first rows before it is saved."""

from django import forms
from django.contrib import admin
from django.http import QueryDict
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card, CardsAdmin
from psynetdata.admin.pages.shown_face import record_read, shown_face
from psynetdata.admin.pages.visibility import BY_DEPLOYMENT, Visible, only
from psynetdata.faces import ANONYMOUS, reading
from psynetdata.models import Audit, Deployment, SavedSheet
from psynetdata.psynet.problems import Problem
from psynetdata.sheets import Catalogue, UnknownSheet

from .sheet_page import first_rows, page_url


class SavedSheetForm(forms.ModelForm):
    columns = forms.CharField(
        widget=UnfoldAdminTextareaWidget,
        help_text="One per line: a column, or a path into one like definition.colour or answer.0; "
        "to give it another name: colour = definition.colour",
    )
    filters = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="One per line, as in the API: failed=false, creation_time__gte=2026-11-22",
    )
    order = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="Columns, comma-separated; - for descending order."
    )

    class Meta:
        model = SavedSheet
        fields = ("deployment", "name", "base", "columns", "filters", "order")

    def __init__(self, *args, **kwargs):
        row = kwargs.get("instance")
        if row is not None and row.pk:
            kwargs["initial"] = (kwargs.get("initial") or {}) | {
                "columns": "\n".join(name if name == path else f"{name} = {path}" for name, path in row.columns),
                "filters": "\n".join(f"{name}={value}" for name, values in row.filters.items() for value in values),
                "order": ", ".join(row.order),
            }
        super().__init__(*args, **kwargs)

    def clean_name(self):
        name = self.cleaned_data["name"].strip()
        if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
            raise forms.ValidationError("A name may contain letters, digits, - and _: it becomes part of a URL.")
        return name

    def clean_columns(self):
        columns = []
        for line in filter(str.strip, self.cleaned_data["columns"].splitlines()):
            name, is_named, path = line.rpartition("=")
            columns.append([(name if is_named else path).strip(), path.strip()])
        names = [name for name, _ in columns]
        if not all(name and path for name, path in columns) or len(names) != len(set(names)):
            raise forms.ValidationError("Each line needs a column, and each name can be used only once.")
        return columns

    def clean_filters(self):
        filters = QueryDict(mutable=True)
        for line in filter(str.strip, self.cleaned_data["filters"].splitlines()):
            name, is_filter, value = line.strip().partition("=")
            if not is_filter:
                raise forms.ValidationError(f"{line[:60]!r} is not a filter; write it like failed=false.")
            filters.appendlist(name.strip(), value.strip())
        return dict(filters.lists())

    def clean_order(self):
        return [name.strip() for name in self.cleaned_data["order"].split(",") if name.strip()]

    def clean(self):
        cleaned = super().clean()
        if self.errors:
            return cleaned
        deployment = cleaned["deployment"]
        sheet = SavedSheet(**cleaned)
        with reading(self.face):
            catalogue = Catalogue(deployment, self.face)
            if cleaned["name"].lower() in {name.lower() for name in catalogue.sources}:
                raise forms.ValidationError(
                    f"The data already has a sheet called {cleaned['name']}; choose another name."
                )
            try:
                # Only reading shows whether it works.
                self.preview = first_rows(catalogue.assemble(sheet))
            except UnknownSheet:
                raise forms.ValidationError(
                    {"base": f"There is no such sheet; the sheets are {', '.join(catalogue.sources)}."}
                ) from None
            except Problem as problem:
                raise forms.ValidationError(problem.sentence) from None
        self._check_for_everybody(deployment, sheet)
        return cleaned

    def _check_for_everybody(self, deployment: Deployment, sheet: SavedSheet) -> None:
        """Raise ValidationError if it names a table or column whose name the anonymous face does not show."""
        with reading(ANONYMOUS):
            try:
                Catalogue(deployment, ANONYMOUS).assemble(sheet)
            except Problem:
                raise forms.ValidationError(
                    "The sheet is for everybody, but names a table or column that the anonymous face shows under "
                    "another name, or not at all; leave it out."
                ) from None


@admin.register(SavedSheet)
class SavedSheetAdmin(Visible, CardsAdmin):
    form = SavedSheetForm
    list_display = ("name", "deployment", "base", "made_by", "changed")
    list_filter = (BY_DEPLOYMENT,)
    list_filter_submit = False
    list_select_related = ("deployment", "made_by")
    search_fields = ("name",)
    change_form_template = "admin/psynetdata/saved_sheet.html"

    def get_fieldsets(self, request, obj=None):
        # What somebody with the right filters by may be an id.
        hidden = {"filters"} if obj and not self.has_change_permission(request, obj) else set()
        return [(None, {"fields": [name for name in SavedSheetForm.Meta.fields if name not in hidden]})]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.face = shown_face(request)
        return form

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "deployment":
            kwargs["queryset"] = only(request, Deployment.objects.all(), "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for may in ("add", "change", "delete", "view"):
            setattr(field.widget, f"can_{may}_related", False)
        return field

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """`_preview`, the second button, shows the first rows of the sheet in the form, without saving it."""
        if request.method != "POST" or "_preview" not in request.POST:
            return super().changeform_view(request, object_id, form_url, extra_context)
        obj = self.get_object(request, object_id) if object_id else None
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if not may:
            return super().changeform_view(request, object_id, form_url, extra_context)
        form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        if not form.is_valid():
            return super().changeform_view(request, object_id, form_url, extra_context)
        record_read(request, f"sheet {form.cleaned_data['name']}", deployment_number=form.cleaned_data["deployment"].pk)
        request.method = "GET"
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), "previewed": form, "preview": form.preview}
        )

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        if previewed := context.get("previewed"):
            context["adminform"].form.initial |= {name: previewed.data.get(name) for name in SavedSheetForm.Meta.fields}
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.made_by = request.user
        super().save_model(request, obj, form, change)
        details = {"deployment": obj.deployment, "target": f"sheet {obj.name}"}
        Audit.record("change" if change else "add", user=request.user, **details)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            Audit.record("remove", user=request.user, deployment=obj.deployment, target=f"sheet {obj.name}")
        return super().log_deletions(request, queryset)

    def cards(self, request, obj):
        facts = [("API and first rows", html.link(page_url(obj.deployment, obj.name), obj.name))]
        return [Card("Summary", facts=facts)]

    @admin.display(description="changed", ordering="changed_at")
    def changed(self, obj):
        return html.utc(obj.changed_at)
