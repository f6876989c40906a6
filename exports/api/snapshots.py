"""`/api/snapshots/`: the history of a deployment."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.models import Snapshot
from psynetdata.api.access import deployment_of, visible_deployments
from psynetdata.psynet.problems import NotFound

from .pages import Pages


class SnapshotSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    deployment = serializers.CharField(source="deployment.deployment_id")
    state = serializers.CharField()
    taken_at = serializers.DateTimeField(help_text="The moment that the rows are of.")
    stored_at = serializers.DateTimeField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField(help_text="Size of all rows as CSV.")
    psynet_version = serializers.CharField()
    dallinger_version = serializers.CharField()
    python_version = serializers.CharField()


class SnapshotWithTablesSerializer(SnapshotSerializer):
    tables = serializers.SerializerMethodField()

    def get_tables(self, snapshot: Snapshot) -> dict[str, int]:
        """{table: rows}"""
        return {table: entry["rows"] for table, entry in sorted(snapshot.tables.items())}


class SnapshotViewSet(GenericViewSet):
    serializer_class = SnapshotSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Snapshot]:
        found = Snapshot.objects.select_related("deployment").filter(deployment__in=visible_deployments(self.request))
        asked = self.request.query_params.get("deployment")
        return found.filter(deployment=deployment_of(self.request, asked)) if asked else found

    @extend_schema(summary="Snapshots", parameters=[OpenApiParameter("deployment")])
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset().defer("tables"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="A snapshot, with the rows of each table", responses=SnapshotWithTablesSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise NotFound(f"There is no snapshot {pk} that you can see.")
        return Response(SnapshotWithTablesSerializer(found).data)
