"""`/api/snapshots/`: the history of a deployment: read it, compare snapshots, request a new one."""

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.capture import snapshot_schedule
from exports.clearance.shown_names import ShownNames
from exports.history.diff import diff, to_json
from exports.mirroring.newest import is_mirrored
from exports.models import Snapshot
from psynetdata import jobs, rights
from psynetdata.api.access import deployment_of, face_of, visible_deployments
from psynetdata.api.request_body import JSONBody
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Conflict, Forbidden, NotFound, UsageError

from .pagination import Pages


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
        """Return {table: rows}."""
        names = ShownNames(face_of(self.context["request"]), snapshot.deployment).tables(sorted(snapshot.tables))
        return {name: snapshot.tables[table]["rows"] for table, name in names.items()}


class TableDiffSerializer(serializers.Serializer):
    table = serializers.CharField()
    before = serializers.IntegerField(allow_null=True, help_text="Its rows; null if there is no such table.")
    after = serializers.IntegerField(allow_null=True)
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()
    columns_added = serializers.ListField(child=serializers.CharField())
    columns_removed = serializers.ListField(child=serializers.CharField())
    retyped = serializers.DictField(help_text="{column: [type before, type after]}")


class DiffSerializer(serializers.Serializer):
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    same_deployment = serializers.BooleanField()
    tables = TableDiffSerializer(many=True, help_text="Those that differ.")
    same = serializers.IntegerField(help_text="How many tables are the same.")


class NewSnapshotSerializer(serializers.Serializer):
    """Only for the schema."""

    deployment = serializers.CharField(required=False, help_text="May be left out if there is only one.")
    full = serializers.BooleanField(default=False, help_text="Read every row again.")


class SnapshotJobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    deployment = serializers.CharField(source="deployment.deployment_id")
    state = serializers.CharField(help_text="queued, running, done, failed or cancelled")
    phase = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(help_text="Why it failed, in a sentence.")
    finished_at = serializers.DateTimeField(allow_null=True)
    snapshot = serializers.SerializerMethodField(help_text="The new snapshot's address, once it exists.")
    mirrored = serializers.SerializerMethodField(help_text="Whether sheets show it, or a later one.")

    def get_snapshot(self, job: Job) -> str | None:
        number = job.result.get("snapshot")
        return number and self.context["request"].build_absolute_uri(reverse("snapshot", args=(number,)))

    def get_mirrored(self, job: Job) -> bool:
        snapshot = Snapshot.objects.filter(pk=job.result.get("snapshot")).first()
        return snapshot is not None and is_mirrored(snapshot)


class SnapshotViewSet(GenericViewSet):
    serializer_class = SnapshotSerializer
    pagination_class = Pages
    parser_classes = (JSONBody,)

    def get_queryset(self) -> QuerySet[Snapshot]:
        snapshots = Snapshot.objects.select_related("deployment").filter(
            deployment__in=visible_deployments(self.request)
        )
        asked = self.request.query_params.get("deployment")
        return snapshots.filter(deployment=deployment_of(self.request, asked)) if asked else snapshots

    @extend_schema(summary="Snapshots", parameters=[OpenApiParameter("deployment")])
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset().defer("tables"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="A snapshot, with the rows of each table", responses=SnapshotWithTablesSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(SnapshotWithTablesSerializer(self._snapshot(pk), context=self.get_serializer_context()).data)

    @extend_schema(summary="Rows added, changed and removed from one snapshot to another", responses=DiffSerializer)
    def diff(self, request: Request, pk: int, other: int) -> Response:
        """Counts for each table that differs, no rows."""
        before, after = self._snapshot(pk), self._snapshot(other)
        names = ShownNames(face_of(request), after.deployment)
        differences = to_json(before, after, [one.named(names) for one in diff(before, after)])
        return Response(DiffSerializer(differences).data)

    @extend_schema(
        summary="Request a snapshot now", request=NewSnapshotSerializer, responses={202: SnapshotJobSerializer}
    )
    def create(self, request: Request) -> Response:
        """Returns immediately, with the job's address in `Location`; GET that to see its progress."""
        if not rights.can_see_places(request.user):
            raise Forbidden("You may not request snapshots; that needs the right to change deployments.")
        deployment, full = self._asked(request)
        job = jobs.submit(snapshot_schedule.KIND, options={"full": full}, deployment=deployment, owner=request.user)
        Audit.record("snapshot", user=request.user, deployment=deployment, target=f"job {job.pk}", full=full)
        address = request.build_absolute_uri(reverse("snapshot-job", args=(job.pk,)))
        return Response(self._job_data(job), status=202, headers={"Location": address})

    @extend_schema(summary="The progress of a requested snapshot", responses=SnapshotJobSerializer)
    def job(self, request: Request, pk: int) -> Response:
        """For users who may request one: the reason of a failure can name the source."""
        jobs = Job.objects.filter(pk=pk, kind=snapshot_schedule.KIND, deployment__in=visible_deployments(request))
        job = jobs.select_related("deployment").first() if rights.can_see_places(request.user) else None
        if job is None:
            raise NotFound(f"There is no job {pk} for a snapshot that you can see.")
        return Response(self._job_data(job))

    def _asked(self, request: Request) -> tuple[Deployment, bool]:
        if not isinstance(request.data, dict):
            raise UsageError('The request must be a JSON object, like {"deployment": ID}.')
        asked = dict(request.data)
        named, full = asked.pop("deployment", None), asked.pop("full", False)
        if asked or not isinstance(full, bool):
            raise UsageError("A request for a snapshot has deployment, and full (true or false).")
        deployment = deployment_of(request, None if named is None else str(named))
        if deployment.source == Deployment.Source.UPLOAD:
            raise Conflict(f"Deployment {deployment.deployment_id} was loaded from a file; load a newer one.")
        return deployment, full

    def _job_data(self, job: Job) -> dict:
        return SnapshotJobSerializer(job, context=self.get_serializer_context()).data

    def _snapshot(self, pk: int) -> Snapshot:
        snapshot = self.get_queryset().filter(pk=pk).first()
        if snapshot is None:
            raise NotFound(f"There is no snapshot {pk} that you can see.")
        return snapshot
