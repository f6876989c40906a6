"""`/api/deployments/`: the deployments, their newest snapshot, how they are watched, rows of each sheet."""

from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.models import Incident, Snapshot
from exports.operations import deployments
from exports.watch.incident_sentence import incident_sentence
from psynetdata import rights
from psynetdata.api.access import deployment_of, face_of, visible_deployments
from psynetdata.faces import reading
from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet.problems import Forbidden
from psynetdata.sheets import BUILT_IN, Catalogue

from .pagination import Pages

VERBS = {"pause": deployments.pause, "resume": deployments.resume, "archive": deployments.archive}


class LastSnapshotSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    state = serializers.CharField(help_text="good or suspect")
    taken_at = serializers.DateTimeField(help_text="The moment that the rows are of.")
    pinned = serializers.BooleanField()


class OpenIncidentSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    began_at = serializers.DateTimeField()
    sentence = serializers.SerializerMethodField(help_text="Names the source only to users who may change it.")

    def get_sentence(self, incident: Incident) -> str:
        return incident_sentence(incident, self.context["request"].user)


class DeploymentSerializer(serializers.Serializer):
    """`sheets` holds rows by sheet: in lists the six built-in sheets, for a single deployment every sheet."""

    id = serializers.CharField(source="deployment_id")
    number = serializers.IntegerField()
    label = serializers.CharField()
    state = serializers.CharField()
    psynet_version = serializers.CharField()
    dallinger_version = serializers.CharField()
    python_version = serializers.CharField()
    clock_offset = serializers.IntegerField(allow_null=True, help_text="Minutes ahead of UTC; null is taken as 0.")
    source = serializers.CharField(help_text="upload, local, ssh or heroku")
    source_url = serializers.SerializerMethodField(help_text="Only for users who may change deployments; else null.")
    every = serializers.IntegerField(allow_null=True, help_text="Seconds between snapshots; null: only on request.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="When the next snapshot is due.")
    newest_snapshot = LastSnapshotSerializer(source="last", allow_null=True, help_text="Of any state.")
    incidents = serializers.SerializerMethodField(help_text="The open incidents.")
    snapshot = serializers.IntegerField(source="snapshot_id", allow_null=True)
    snapshot_taken_at = serializers.DateTimeField(source="taken_at", allow_null=True)
    sheets = serializers.DictField(child=serializers.IntegerField())

    def get_source_url(self, deployment: Deployment) -> str | None:
        return deployment.source_url if rights.can_see_places(self.context["request"].user) else None

    @extend_schema_field(OpenIncidentSerializer(many=True))
    def get_incidents(self, deployment: Deployment) -> list:
        return OpenIncidentSerializer(deployment.open_incidents, many=True, context=self.context).data


class DeploymentViewSet(GenericViewSet):
    serializer_class = DeploymentSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Deployment]:
        snapshots = Snapshot.objects.filter(deployment=OuterRef("pk")).order_by("-taken_at", "-id")
        newest = snapshots.good()
        return visible_deployments(self.request).annotate(
            snapshot_id=Subquery(newest.values("id")[:1]),
            taken_at=Subquery(newest.values("taken_at")[:1]),
            last_id=Subquery(snapshots.values("id")[:1]),
        )

    @extend_schema(summary="Deployments")
    def list(self, request: Request) -> Response:
        face = face_of(request)
        page = self.paginate_queryset(self.get_queryset())
        rows = _rows_of_sheets(face, page)
        for deployment in page:
            deployment.sheets = rows[deployment.number]
        _add_watching(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="A deployment, by PsyNet's id or our number")
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._answer(deployment_of(request, pk))

    @extend_schema(summary="Pause, resume or archive a deployment", request=None)
    def move(self, request: Request, pk: str, verb: str) -> Response:
        """Returns the deployment as it is afterwards. 409 if its state does not allow it, also if requested twice."""
        if not request.user.has_perm(rights.CHANGE_DEPLOYMENT):
            raise Forbidden(f"You may not {verb} deployments; that needs the right to change them.")
        deployment = deployment_of(request, pk)
        VERBS[verb](deployment, user=request.user)
        return self._answer(deployment)

    def _answer(self, row: Deployment) -> Response:
        face = face_of(self.request)
        deployment = self.get_queryset().get(pk=row.pk)
        with reading(face):
            catalogue = Catalogue(deployment, face)
            deployment.sheets = catalogue.totals()
        _add_watching([deployment])
        return Response(self.get_serializer(deployment).data)


def _add_watching(page: list[Deployment]) -> None:
    """Set `.last` (the newest snapshot of any state, or None) and `.open_incidents`, in two queries."""
    shown = Snapshot.objects.only("state", "taken_at", "pinned")
    last = shown.in_bulk({deployment.last_id for deployment in page if deployment.last_id})
    incidents: dict[int, list[Incident]] = {deployment.pk: [] for deployment in page}
    for incident in Incident.objects.filter(ended_at=None, deployment__in=incidents):
        incidents[incident.deployment_id].append(incident)
    for deployment in page:
        deployment.last, deployment.open_incidents = last.get(deployment.last_id), incidents[deployment.pk]


def _rows_of_sheets(face: str, page: list[Deployment]) -> dict[int, dict[str, int]]:
    """Return {deployment number: {built-in sheet: rows}}, in one query."""
    numbers = [deployment.number for deployment in page]
    sheet_of = {table: sheet for sheet, table in BUILT_IN.items()}
    rows = {number: dict.fromkeys(BUILT_IN, 0) for number in numbers}
    tables = MirroredTable.objects.using(face).filter(deployment_number__in=numbers, table__in=sheet_of)
    for number, table, count in tables.values_list("deployment_number", "table", "rows"):
        rows[number][sheet_of[table]] = count
    return rows
