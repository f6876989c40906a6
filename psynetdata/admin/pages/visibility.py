"""Limits lists and pages to the deployments that a user may know of; they show nothing of others, not even a name."""

from django.contrib.admin import RelatedFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from psynetdata import rights
from psynetdata.models import Deployment, MirrorModel
from psynetdata.models.mirror.base import TypedRow


def hidden(request: HttpRequest) -> list[int]:
    """Return the numbers of the deployments that this user must not know of; one query per request."""
    if not hasattr(request, "psynetdata_hidden"):
        request.psynetdata_hidden = rights.hidden_deployments(request.user)
    return request.psynetdata_hidden


def only(request: HttpRequest, rows: QuerySet, column: str = "deployment") -> QuerySet:
    """Exclude the rows of hidden deployments; rows without a deployment stay."""
    numbers = hidden(request)
    return rows.exclude(**{f"{column}__in": numbers}) if numbers else rows


def only_mirrored(request: HttpRequest, rows: QuerySet) -> QuerySet:
    """Exclude the mirrored rows of hidden deployments, with an upper limit on their key."""
    numbers = hidden(request)
    if not numbers:
        return rows
    newest = rights.visible_deployments(request.user).order_by("-number").values_list("number", flat=True).first()
    rows = rows.exclude(deployment_number__in=numbers)
    # Otherwise the database reads all newer, hidden rows before the first visible one.
    below = MirrorModel.make_key((newest or 0) + 1, 0)
    return rows.filter(key__lt=below) if issubclass(rows.model, TypedRow) else rows


class Visible:
    """For a ModelAdmin whose rows belong to a deployment; `deployment_column` is the column with the deployment."""

    deployment_column = "deployment"

    def get_queryset(self, request):
        return only(request, super().get_queryset(request), self.deployment_column)


class VisibleDeployments(RelatedFieldListFilter):
    """A filter by deployment that lists only visible deployments; Django's filter by a relation lists all rows."""

    def field_choices(self, field, request, model_admin):
        return [(row.pk, str(row)) for row in only(request, Deployment.objects.order_by("-number"), "pk")]


BY_DEPLOYMENT = ("deployment", VisibleDeployments)
