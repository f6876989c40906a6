"""Lists and pages of the deployments that a person may know of; of the others there is nothing, not even a name."""

from django.contrib.admin import RelatedFieldListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from psynetdata import rights
from psynetdata.models import Deployment, MirrorModel
from psynetdata.models.mirror.base import TypedRow


def hidden(request: HttpRequest) -> list[int]:
    """Numbers of the deployments that this person must not know of: one query a request."""
    if not hasattr(request, "psynetdata_hidden"):
        request.psynetdata_hidden = rights.hidden_deployments(request.user)
    return request.psynetdata_hidden


def only(request: HttpRequest, rows: QuerySet, column: str = "deployment") -> QuerySet:
    """Without the rows of hidden deployments; rows of none stay."""
    numbers = hidden(request)
    return rows.exclude(**{f"{column}__in": numbers}) if numbers else rows


def only_mirrored(request: HttpRequest, rows: QuerySet) -> QuerySet:
    """The same for mirrored rows, which are read along their key: it ends where the visible ones end."""
    numbers = hidden(request)
    if not numbers:
        return rows
    newest = rights.visible_deployments(request.user).order_by("-number").values_list("number", flat=True).first()
    rows = rows.exclude(deployment_number__in=numbers)
    # Else a long walk back over the newest, hidden rows comes before the first one that is shown.
    below = MirrorModel.make_key((newest or 0) + 1, 0)
    return rows.filter(key__lt=below) if issubclass(rows.model, TypedRow) else rows


class Visible:
    """For a ModelAdmin whose rows belong to a deployment, named by `deployment_column`."""

    deployment_column = "deployment"

    def get_queryset(self, request):
        return only(request, super().get_queryset(request), self.deployment_column)


class VisibleDeployments(RelatedFieldListFilter):
    """Django's filter by a relation offers every row of the other table; this one those that may be known of."""

    def field_choices(self, field, request, model_admin):
        return [(row.pk, str(row)) for row in only(request, Deployment.objects.order_by("-number"), "pk")]


BY_DEPLOYMENT = ("deployment", VisibleDeployments)
