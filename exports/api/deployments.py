"""`/api/deployments/`: what there is, on which snapshot it stands, how many rows each sheet has."""

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.models import Snapshot
from psynetdata.api.access import deployment_of, face_of, visible_deployments
from psynetdata.faces import reading
from psynetdata.models import Deployment, MirroredTable
from psynetdata.sheets import BUILT_IN, Catalogue

from .pages import Pages


class DeploymentSerializer(serializers.Serializer):
    """`sheets` holds rows by sheet: the six built-in ones in lists, every sheet for a single deployment."""

    id = serializers.CharField(source="deployment_id")
    number = serializers.IntegerField()
    label = serializers.CharField()
    state = serializers.CharField()
    psynet_version = serializers.CharField()
    dallinger_version = serializers.CharField()
    python_version = serializers.CharField()
    clock_offset = serializers.IntegerField(allow_null=True, help_text="Minutes ahead of UTC; null is taken as 0.")
    snapshot = serializers.IntegerField(source="snapshot_id", allow_null=True)
    snapshot_taken_at = serializers.DateTimeField(source="taken_at", allow_null=True)
    sheets = serializers.DictField(child=serializers.IntegerField())


class DeploymentViewSet(GenericViewSet):
    serializer_class = DeploymentSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Deployment]:
        newest = Snapshot.objects.good().filter(deployment=OuterRef("pk")).order_by("-taken_at", "-id")
        return visible_deployments(self.request).annotate(
            snapshot_id=Subquery(newest.values("id")[:1]), taken_at=Subquery(newest.values("taken_at")[:1])
        )

    @extend_schema(summary="Deployments")
    def list(self, request: Request) -> Response:
        face = face_of(request)
        page = self.paginate_queryset(self.get_queryset())
        rows = _rows_of_sheets(face, page)
        for deployment in page:
            deployment.sheets = rows[deployment.number]
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="A deployment, by PsyNet's id or our number")
    def retrieve(self, request: Request, pk: str) -> Response:
        face = face_of(request)
        deployment = self.get_queryset().get(pk=deployment_of(request, pk).pk)
        with reading(face):
            catalogue = Catalogue(deployment, face)
            deployment.sheets = catalogue.totals()
        return Response(self.get_serializer(deployment).data)


def _rows_of_sheets(face: str, deployments: list[Deployment]) -> dict[int, dict[str, int]]:
    """{deployment number: {built-in sheet: rows}} in one query."""
    numbers = [deployment.number for deployment in deployments]
    sheet_of = {table: sheet for sheet, table in BUILT_IN.items()}
    rows = {number: dict.fromkeys(BUILT_IN, 0) for number in numbers}
    found = MirroredTable.objects.using(face).filter(deployment_number__in=numbers, table__in=sheet_of)
    for number, table, count in found.values_list("deployment_number", "table", "rows"):
        rows[number][sheet_of[table]] = count
    return rows
