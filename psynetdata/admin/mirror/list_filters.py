"""Filters of the mirror's lists: choices come from small tables, never from the rows themselves."""

from django.db.models import QuerySet
from unfold.contrib.filters.admin import DropdownFilter

from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.admin.pages.visibility import hidden, only, only_mirrored
from psynetdata.models import TYPED_MODELS, Deployment, MirroredTable, Network, Record


def deployment_labels(request) -> dict[int, str]:
    """Return {number: label} of visible deployments; one query per request, because the mirror has no foreign key."""
    if not hasattr(request, "psynetdata_deployments"):
        request.psynetdata_deployments = {row.number: str(row) for row in only(request, Deployment.objects.all(), "pk")}
    return request.psynetdata_deployments


def asked_number(text: str | None) -> int | None:
    """Return the deployment's number from a URL; None if it is not a valid number."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def rows_of_deployment(rows: QuerySet, number: int) -> QuerySet:
    """Return the mirrored rows of one deployment."""
    if rows.model is Record:
        return rows.filter(deployment_number=number)
    # By a range of the key, which is also the order: this avoids sorting a million rows.
    make_key = rows.model.make_key
    return rows.filter(key__gte=make_key(number, 0), key__lt=make_key(number + 1, 0))


def _tables(request) -> QuerySet[MirroredTable]:
    """Return the mirrored tables of visible deployments, on the shown face."""
    return MirroredTable.objects.using(shown_face(request)).exclude(deployment_number__in=hidden(request))


class DeploymentFilter(DropdownFilter):
    title = "deployment"
    parameter_name = "deployment"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        return [(str(number), label) for number, label in deployment_labels(request).items()]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        number = asked_number(self.value())
        if number is None:
            return queryset.none()
        return rows_of_deployment(queryset, number)


class ClassFilter(DropdownFilter):
    title = "class"
    parameter_name = "class"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        model, known = model_admin.model, _tables(request)
        known = known.exclude(table__in=TYPED_MODELS) if model is Record else known.filter(table=model.TABLE)
        names = {name for classes in known.values_list("classes", flat=True) for name in classes}
        return [(name, name) for name in sorted(names)]

    def queryset(self, request, queryset):
        return queryset.filter(class_name=self.value()) if self.value() else queryset


class TrialMakerFilter(DropdownFilter):
    """Trial makers, read from the networks: there are few networks and many trials."""

    title = "trial maker"
    parameter_name = "trial_maker"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        networks = only_mirrored(request, Network.objects.using(shown_face(request)))
        names = networks.order_by("trial_maker_id").exclude(trial_maker_id=None)
        return [(name, name) for name in names.values_list("trial_maker_id", flat=True).distinct()]

    def queryset(self, request, queryset):
        return queryset.filter(trial_maker_id=self.value()) if self.value() else queryset


class TableFilter(DropdownFilter):
    title = "table"
    parameter_name = "table"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        names = _tables(request).order_by("table").values_list("table", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request, queryset):
        return queryset.filter(table=self.value()) if self.value() else queryset
