"""Filters of the mirror's lists: choices come from small tables; what needs a scan is kept until the next refresh."""

import hashlib

from django.core.cache import cache
from unfold.contrib.filters.admin import DropdownFilter

from psynetdata.models import TYPED_MODELS, Deployment, MirroredTable, MirrorModel, Network, Record

from .shown import shown_face

KEEP = 24 * 3600  # seconds


def deployment_labels(request) -> dict[int, str]:
    """{number: label} of every deployment: one query a request, since the mirror has no foreign key to them."""
    if not hasattr(request, "psynetdata_deployments"):
        request.psynetdata_deployments = {row.number: str(row) for row in Deployment.objects.all()}
    return request.psynetdata_deployments


def class_names(model: type[MirrorModel], face: str) -> list[str]:
    """Every class in a table of a face: one scan for each state of the mirror, since classes have no index."""
    states = MirroredTable.objects.using(face)
    states = states.exclude(table__in=TYPED_MODELS) if model is Record else states.filter(table=model.TABLE)
    shown = sorted(states.values_list("deployment_number", "table", "state", "transform"))
    names = model._default_manager.using(face).order_by("class_name").values_list("class_name", flat=True).distinct()
    if not shown:
        return list(names)
    state = hashlib.sha256(repr((face, model.__name__, shown)).encode()).hexdigest()
    return cache.get_or_set(f"classes-{state}", lambda: list(names), KEEP)


def asked_number(text: str | None) -> int | None:
    """The deployment's number in an address; None where it is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


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
        if queryset.model is Record:
            return queryset.filter(deployment_number=number)
        # The same rows by a range of the key, which they are ordered by: no sort of a million rows.
        make_key = queryset.model.make_key
        return queryset.filter(key__gte=make_key(number, 0), key__lt=make_key(number + 1, 0))


class ClassFilter(DropdownFilter):
    title = "class"
    parameter_name = "class"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        return [(name, name) for name in class_names(model_admin.model, shown_face(request))]

    def queryset(self, request, queryset):
        return queryset.filter(class_name=self.value()) if self.value() else queryset


class TrialMakerFilter(DropdownFilter):
    """Trial makers as the networks know them: there are few networks and many trials."""

    title = "trial maker"
    parameter_name = "trial_maker"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        names = Network.objects.using(shown_face(request)).order_by("trial_maker_id").exclude(trial_maker_id=None)
        return [(name, name) for name in names.values_list("trial_maker_id", flat=True).distinct()]

    def queryset(self, request, queryset):
        return queryset.filter(trial_maker_id=self.value()) if self.value() else queryset


class TableFilter(DropdownFilter):
    title = "table"
    parameter_name = "table"

    def has_output(self):
        return True

    def lookups(self, request, model_admin):
        known = MirroredTable.objects.using(shown_face(request)).order_by("table")
        return [(name, name) for name in known.values_list("table", flat=True).distinct()]

    def queryset(self, request, queryset):
        return queryset.filter(table=self.value()) if self.value() else queryset
