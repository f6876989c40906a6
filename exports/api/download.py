"""`/api/exports/<id>/download/`: a finished archive from the storage, whole or one range of it (RFC 9110, 14)."""

import base64
import re
from collections.abc import Iterator

from django.core.files.storage import Storage, default_storage
from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from exports.models import Export, ExportArchive
from exports.store import installation
from psynetdata.api.access import visible_deployments
from psynetdata.api.response import AnyNegotiation, is_known
from psynetdata.infra import byte_range
from psynetdata.infra.response_headers import PRIVATE
from psynetdata.infra.storage import blocks
from psynetdata.models import Audit, Job
from psynetdata.psynet.problems import Conflict, Forbidden, Gone, Problem, UsageError

from .exports import export_of, has_expired, modes_of


class StorageFailed(Problem):
    status = 500


class DownloadView(APIView):
    content_negotiation_class = AnyNegotiation

    @extend_schema(
        summary="Download an archive",
        parameters=[OpenApiParameter("mode", enum=ExportArchive.Mode.values)],
        responses={(200, "application/zip"): OpenApiTypes.BINARY, (206, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """One zip. Accepts one range, to continue a broken download; `ETag` and `X-Checksum-SHA256` are its SHA-256."""
        visible = Export.objects.filter(deployment__in=visible_deployments(request))
        export = export_of(visible.select_related("deployment", "job", "snapshot"), pk)
        archive = _archive(request, export)
        etag = f'"{archive.sha256}"'
        if is_known(request, etag):
            return _named(HttpResponseNotModified(), archive, etag)
        start, stop = 0, archive.bytes
        asked = _range(request, etag, archive.bytes)
        if asked is not None:
            start, stop = asked
            if start >= stop:
                answer = HttpResponse(status=416)
                answer["Content-Range"] = f"bytes */{archive.bytes}"
                return answer
        answer = _answer(request, archive, start, stop, status=200 if asked is None else 206)
        if asked is not None:
            answer["Content-Range"] = f"bytes {start}-{stop - 1}/{archive.bytes}"
        answer["Content-Disposition"] = f'attachment; filename="{_file_name(archive)}"'
        return _named(answer, archive, etag)


def _archive(request: Request, export: Export) -> ExportArchive:
    """Return the requested archive. Raises Forbidden, Conflict (409) before it is ready, Gone (410) once it expired."""
    may, options = modes_of(request), [mode for mode in ExportArchive.Mode.values if mode in _modes(export)]
    mode = request.query_params.get("mode")
    if mode is None:
        open_to_caller = [one for one in options if one in may]
        if len(open_to_caller) > 1:
            raise UsageError(f"Export {export.pk} has two archives; name one with mode=regular or mode=anonymous.")
        mode = (open_to_caller or options)[0]
    if mode not in ExportArchive.Mode.values:
        raise UsageError("mode is regular or anonymous.")
    if mode not in may:
        raise Forbidden(f"You may not download {mode} archives.")
    if mode not in options:
        raise Conflict(f"Export {export.pk} was requested without a {mode} archive.")
    archive = export.archives.filter(mode=mode).first()
    if archive is None:
        raise Conflict(_why_not(export))
    installation.check()  # in another desk's storage this name is somebody else's archive
    if has_expired(archive) or not default_storage.exists(archive.file):
        raise Gone(f"The {mode} archive of export {export.pk} is no longer kept; request a new export.")
    return archive


def _modes(export: Export) -> tuple[str, ...]:
    return {"yes": ("anonymous",), "no": ("regular",)}.get(export.options.get("anonymize"), ("regular", "anonymous"))


def _why_not(export: Export) -> str:
    job = export.job
    if job.state in (Job.State.QUEUED, Job.State.RUNNING):
        return f"Export {export.pk} is not ready yet: it is {job.state}."
    return f"Export {export.pk} has nothing to download: it is {job.state}. {job.reason}".strip()


def _range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the range as byte_range.asked does; None for the whole file."""
    if request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    return byte_range.asked(request.headers.get("Range", ""), size)


def _answer(request: Request, archive: ExportArchive, start: int, stop: int, *, status: int) -> HttpResponseBase:
    if request.method == "HEAD":
        answer: HttpResponseBase = HttpResponse(content_type="application/zip", status=status)
    else:
        Audit.record(
            "download",
            user=request.user,
            deployment=archive.export.deployment,
            target=f"{archive.export} {archive.mode}",
            identified=archive.identified,
            bytes=f"{start}-{stop - 1}",
            sha256=archive.sha256,
        )
        blocks = _blocks(default_storage, archive.file, start, stop)
        answer = StreamingHttpResponse(blocks, content_type="application/zip", status=status)
    answer["Content-Length"] = str(stop - start)
    return answer


def _blocks(storage: Storage, name: str, start: int, stop: int) -> Iterator[bytes]:
    """Yield bytes `start` to `stop` of a file in the storage, in blocks."""
    left = stop - start
    for block in blocks(storage, name, start, stop):
        left -= len(block)
        yield block
    if left:  # ends the connection, so that the client sees a broken download instead of a short file
        raise StorageFailed(f"The archive {name} ends {left} bytes too early in the storage.")


def _named(answer: HttpResponseBase, archive: ExportArchive, etag: str) -> HttpResponseBase:
    answer["ETag"] = etag
    answer["Accept-Ranges"] = "bytes"
    answer["Cache-Control"] = PRIVATE if archive.identified else "private"
    answer["Vary"] = "Authorization, Cookie"
    answer["X-Checksum-SHA256"] = archive.sha256
    # Of the whole archive, even if only a range of it is sent (RFC 9530).
    digest = base64.b64encode(bytes.fromhex(archive.sha256)).decode()
    answer["Repr-Digest"] = f"sha-256=:{digest}:"
    answer["Digest"] = f"sha-256={digest}"
    return answer


def _file_name(archive: ExportArchive) -> str:
    """Return a name with plain letters only, so that the header needs no second form."""
    name = re.sub(r"[^A-Za-z0-9._=-]+", "-", archive.export.deployment.deployment_id)[:150].strip("-.")
    return f"{name}__mode={archive.mode}__export={archive.export_id}.zip"
