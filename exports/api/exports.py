"""`/api/exports/`: request an export, watch it, cancel it. Its archives: exports/api/download.py."""

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from exports.models import Export, ExportArchive, Snapshot
from exports.package.deployment_choice import named
from exports.package.options import ExportOptions
from exports.package.request import request_export
from psynetdata import jobs, rights
from psynetdata.api.access import deployment_of, token_of, visible_deployments
from psynetdata.api.request_body import JSONBody
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Conflict, Forbidden, NotFound, UsageError

from .new_export import NewExportSerializer
from .pagination import Pages


class ArchiveSerializer(serializers.Serializer):
    mode = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    download = serializers.SerializerMethodField(help_text="Its download address; null when it has expired.")

    def get_download(self, archive: ExportArchive) -> str | None:
        if has_expired(archive):
            return None
        address = reverse("export-download", args=(archive.export_id,))
        return self.context["request"].build_absolute_uri(f"{address}?mode={archive.mode}")


class ArchiveReportSerializer(ArchiveSerializer):
    report = serializers.DictField(help_text="The leak scan's report; {} for a regular archive.")


class ExportSerializer(serializers.Serializer):
    """`archives` lists those that the caller may download."""

    id = serializers.IntegerField()
    deployment = serializers.CharField(source="deployment.deployment_id")
    label = serializers.CharField(source="deployment.label")
    launch_mode = serializers.SerializerMethodField(help_text="debug, live, …; null until it is done.")
    snapshot = serializers.IntegerField(source="snapshot_id")
    options = serializers.DictField()
    owner = serializers.CharField(source="owner.username", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    state = serializers.CharField(source="job.state", help_text="queued, running, done, failed or cancelled")
    phase = serializers.CharField(source="job.phase")
    done = serializers.IntegerField(source="job.done")
    total = serializers.IntegerField(source="job.total", allow_null=True)
    percent = serializers.IntegerField(source="job.percent", allow_null=True)
    reason = serializers.CharField(source="job.reason", help_text="Why it failed, in a sentence.")
    finished_at = serializers.DateTimeField(source="job.finished_at", allow_null=True)
    archives = serializers.SerializerMethodField()

    def get_launch_mode(self, export: Export) -> str | None:
        return export.job.result.get("launch_mode")

    def get_archives(self, export: Export) -> list[dict]:
        may = self.context["modes"]
        archives = [archive for archive in export.archives.all() if archive.mode in may]
        of_archive = ArchiveReportSerializer if self.context["reports"] else ArchiveSerializer
        return of_archive(archives, many=True, context=self.context).data


class ExportViewSet(GenericViewSet):
    serializer_class = ExportSerializer
    pagination_class = Pages
    parser_classes = (JSONBody,)

    def get_queryset(self) -> QuerySet[Export]:
        exports = Export.objects.filter(deployment__in=visible_deployments(self.request))
        asked = self.request.query_params.get("deployment")
        if asked:
            exports = exports.filter(deployment=deployment_of(self.request, asked))
        # Manifests are long and not shown here, reports only with one export.
        unread = ("manifest",) if self._shows_reports() else ("manifest", "report")
        archives = ExportArchive.objects.defer(*unread).order_by("mode")
        return exports.select_related("deployment", "job", "owner").prefetch_related(Prefetch("archives", archives))

    def get_serializer_context(self) -> dict:
        context = {"modes": modes_of(self.request), "reports": self._shows_reports()}
        return {**super().get_serializer_context(), **context}

    def _shows_reports(self) -> bool:
        return self.action == "retrieve"

    @extend_schema(summary="Exports", parameters=[OpenApiParameter("deployment")])
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="An export: its progress, then its archives and their reports")
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(export_of(self.get_queryset(), pk)).data)

    @extend_schema(summary="Request an export", request=NewExportSerializer, responses={202: ExportSerializer})
    def create(self, request: Request) -> Response:
        """Returns immediately, with its address in `Location`; GET that to see its progress."""
        if not isinstance(request.data, dict):
            raise UsageError('The request must be a JSON object, like {"deployment": ID, "anonymize": "yes"}.')
        asked = dict(request.data)
        asked_for, number = asked.pop("deployment", None), asked.pop("snapshot", None)
        where = {name: _text(asked.pop(name, None)) for name in ("app", "source", "server")}
        if isinstance(asked.get("anonymize"), bool):
            asked["anonymize"] = "yes" if asked["anonymize"] else "no"
        options = ExportOptions.from_json(asked)
        if (where["app"], where["server"]) != (None, None) and not rights.can_see_places(request.user):
            raise Forbidden(
                "You may not name a deployment by its app or server, which are shown only to people who may change "
                "deployments; name it with deployment."
            )
        deployment = named(visible_deployments(request), _text(asked_for), **where, how="deployment=")
        _check_rights(request, options.modes)
        snapshot = None if number is None else _snapshot(deployment, number)
        export = request_export(deployment, options, owner=request.user, snapshot=snapshot)
        answer = self.get_serializer(export_of(self.get_queryset(), export.pk)).data
        address = request.build_absolute_uri(reverse("export", args=(export.pk,)))
        return Response(answer, status=202, headers={"Location": address})

    @extend_schema(summary="Cancel an export", request=None, responses={202: ExportSerializer})
    def cancel(self, request: Request, pk: str) -> Response:
        """For its owner, and for those who administer jobs."""
        export = export_of(self.get_queryset(), pk)
        if not rights.can_cancel(request.user, export.job):
            raise Forbidden(f"You may not cancel export {export.pk}: it is not yours.")
        if not jobs.cancel(export.job):
            raise Conflict(f"Export {export.pk} is already over: it is {export.job.state}.")
        Audit.record("cancel", user=request.user, deployment=export.deployment, target=export)
        export.job.refresh_from_db()
        return Response(self.get_serializer(export).data, status=202)


def _text(asked: object) -> str | None:
    return None if asked is None else str(asked)


def modes_of(request: Request) -> list[str]:
    """Return the modes whose archives the caller may have."""
    token = token_of(request)
    return [mode for mode in ExportArchive.Mode.values if rights.can_export(request.user, mode, token)]


def export_of(exports: QuerySet[Export], pk: str | int) -> Export:
    export = exports.filter(pk=pk).first()
    if export is None:
        raise NotFound(f"There is no export {pk} that you can see.")
    return export


def has_expired(archive: ExportArchive) -> bool:
    return archive.expires_at is not None and archive.expires_at <= timezone.now()


def _check_rights(request: Request, modes: tuple[str, ...]) -> None:
    if missing := [mode for mode in modes if mode not in modes_of(request)]:
        raise Forbidden(
            f"You may not make {' and '.join(missing)} exports; choose others with anonymize, or ask for the right."
        )


def _snapshot(deployment: Deployment, number: object) -> Snapshot:
    if isinstance(number, bool) or not str(number).isdecimal() or len(str(number)) > 18:
        raise UsageError("snapshot must be the number of a snapshot.")
    snapshot = Snapshot.objects.filter(pk=int(str(number)), deployment=deployment).first()
    if snapshot is None:
        raise NotFound(f"Deployment {deployment.deployment_id} has no snapshot {number}.")
    return snapshot
