"""`/metrics`: the figures for Prometheus, in its text format."""

from collections.abc import Callable

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from exports.watch.monitoring import DeploymentMetrics, DeskMetrics, deployment_metrics, desk_metrics
from psynetdata import rights
from psynetdata.api.access import token_of, visible_deployments
from psynetdata.psynet.problems import Forbidden


class _AsItIs(BaseContentNegotiation):
    """Always use the only form of the answer, whatever a scraper says that it accepts."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class MetricsView(APIView):
    content_negotiation_class = _AsItIs

    @extend_schema(summary="Figures for Prometheus", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        if not request.user.has_perm(rights.VIEW_DEPLOYMENT):
            raise Forbidden("The metrics need the right to see deployments.")
        now = timezone.now()
        registry = CollectorRegistry()  # of this request alone
        _write_deployments(registry, deployment_metrics(visible_deployments(request), now))
        token = token_of(request)
        if token is None or not token.deployments:
            _write_desk(registry, desk_metrics(now))
        answer = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
        answer["Cache-Control"] = "no-store"
        return answer


def _write_deployments(registry: CollectorRegistry, deployments: list[DeploymentMetrics]) -> None:
    def gauge(name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"psynetdata_{name}", help_text, ("deployment", *labels), registry=registry)

    age = gauge("snapshot_age_seconds", "Seconds since the time of the newest good snapshot.")
    seconds = gauge("capture_seconds", "How long the transaction of the last capture was open.")
    lag = gauge("mirror_lag_seconds", "Seconds that the mirror is behind the newest good snapshot.")
    rows = gauge("rows", "Rows of the newest good snapshot.", "table")
    kept = gauge("snapshots", "Snapshots that are kept.")
    stored = gauge("stored_bytes", "What the kept snapshots added to the storage, in bytes.")
    incidents = gauge("incident_open", "1 while an incident of this kind is open.", "kind")
    jobs = gauge("last_job", "1 for the state of the last job of a kind.", "kind", "state")
    for figures in deployments:
        if figures.age is not None:
            age.labels(figures.id).set(figures.age)
        if figures.seconds is not None:
            seconds.labels(figures.id).set(figures.seconds)
        if figures.lag is not None:
            lag.labels(figures.id).set(figures.lag)
        for table, count in figures.rows.items():
            rows.labels(figures.id, table).set(count)
        kept.labels(figures.id).set(figures.kept)
        stored.labels(figures.id).set(figures.stored)
        for kind, count in figures.incidents.items():
            incidents.labels(figures.id, kind).set(count)
        for kind, state in figures.last_jobs.items():
            jobs.labels(figures.id, kind, state).set(1)


def _write_desk(registry: CollectorRegistry, desk: DeskMetrics) -> None:
    def gauge(name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"psynetdata_{name}", help_text, labels, registry=registry)

    jobs = gauge("jobs", "Jobs by kind and state.", "kind", "state")
    for (kind, state), count in desk.jobs.items():
        jobs.labels(kind, state).set(count)
    hearts = gauge("worker_heart_age_seconds", "Seconds since a cluster of workers last showed life.", "cluster")
    for cluster, age in desk.hearts.items():
        hearts.labels(cluster).set(age)
    if desk.tick is not None:
        gauge("tick_age_seconds", "Seconds since the last check each minute came to its end.").set(desk.tick)
    free = gauge("disk_free_bytes", "Free space on the disk of DATA_DIR (data) and of a local storage.", "place")
    for disk in desk.disks:
        for place in disk.names:
            free.labels(place).set(disk.free)
    incidents = gauge("desk_incident_open", "1 while an incident of the desk itself is open.", "kind")
    for kind, count in desk.incidents.items():
        incidents.labels(kind).set(count)
    waits = gauge("queue_wait_seconds", "Seconds that the oldest queued job of a cluster has waited.", "cluster")
    for cluster, seconds in desk.waits.items():
        waits.labels(cluster).set(seconds)
    _write_storage(gauge, desk)


def _write_storage(gauge: Callable[..., Gauge], desk: DeskMetrics) -> None:
    gauge("quarantine_files", "Files that nothing refers to and that wait to be deleted.").set(desk.quarantine["files"])
    gauge("quarantine_bytes", "Their size in bytes.").set(desk.quarantine["bytes"])
    gauge("quarantine_age_seconds", "Seconds since the first of them was found.").set(desk.quarantine["age"])
    if desk.backup is not None:
        gauge("backup_age_seconds", "Seconds since the last backup succeeded.").set(desk.backup)
    if desk.check is not None:
        gauge("check_age_seconds", "Seconds since the oldest check of stored data.").set(desk.check)
    gauge("damaged", "Stored segments and files that were found damaged and could not be repaired.").set(desk.damaged)
    if desk.copy:
        gauge("second_copy_waiting_files", "Files that the second copy lacks.").set(desk.copy["files"])
        gauge("second_copy_waiting_bytes", "Their size in bytes.").set(desk.copy["bytes"])
        gauge("second_copy_age_seconds", "Seconds since the second copy was complete.").set(desk.copy["age"])
