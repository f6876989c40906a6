"""The file of an asset as a response: who may have it, its type, one range of it."""

import mimetypes
import re
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from exports.assets.asset_files import stored_files
from exports.assets.personal_assets import personal_assets
from exports.assets.plan import plan
from exports.clearance import file_search
from exports.clearance.shown_names import ShownNames
from exports.models import StoredAsset
from psynetdata.admin.pages.shown_face import record_read, shown_face
from psynetdata.faces import IDENTIFIED
from psynetdata.infra import byte_range
from psynetdata.infra.storage import blocks
from psynetdata.models import Asset, Deployment
from psynetdata.psynet.problems import Damaged

_TEXT = 20_000  # bytes of a text that a page shows
_TEXTS = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".yaml", ".yml", ".log", ".srt", ".vtt", ".textgrid")
# Browsers show these without running anything; files that may run (SVG, HTML, PDF) are only offered as downloads.
_TYPES = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
    ".flac": "audio/flac", ".m4a": "audio/mp4", ".aac": "audio/aac", ".mp4": "video/mp4", ".m4v": "video/mp4",
    ".webm": "video/webm", ".mov": "video/quicktime", ".ogv": "video/ogg", ".png": "image/png", ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp", ".avif": "image/avif",
} | dict.fromkeys(_TEXTS, "text/plain; charset=utf-8")  # fmt: skip
_KINDS = {"audio": "audio", "video": "video", "image": "picture", "text": "text"}
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Accept-Ranges": "bytes",
}


# The page that a browser makes around a sound or picture requests it again, which must be allowed; scripts never run.
_OF_MEDIA = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; media-src 'self'"
_OF_OTHERS = "sandbox; default-src 'none'"


class NotHere(Exception):
    """Why there is no file to show, as a sentence."""


@dataclass(frozen=True)
class ViewableAsset:
    """An asset whose file this person may see. `path`: its export path in the face that is shown."""

    path: str
    names: ShownNames
    deployment: Deployment

    def name_of(self, row: StoredAsset) -> str:
        return self.names.path(row.inside) or self.path.rpartition("/")[2] or f"asset-{row.asset_id}"

    def withheld(self, rows: list[StoredAsset]) -> dict[int, str]:
        """Return {id of the file's row: why it is withheld} on the face that is shown."""
        if self.names.face == IDENTIFIED:
            return {}
        return file_search.withheld(self.deployment, [(row, self.name_of(row)) for row in rows])


def viewable_among(request: HttpRequest, assets: list[Asset]) -> dict[int, tuple[ViewableAsset, list[StoredAsset]]]:
    """Return {asset id: (Shown, its files)} for assets of one deployment whose files are stored and may be seen."""
    deployment = _deployment_of(assets[0])
    return {} if deployment is None else _here(request, deployment, _not_personal(request, deployment, assets))


def viewable(request: HttpRequest, obj: Asset) -> tuple[ViewableAsset, list[StoredAsset]]:
    """Return (Shown, its files). Raises NotHere if none are stored, or if they are personal and the anonymous face
    is shown."""
    deployment = _deployment_of(obj)
    if deployment is None:
        raise NotHere("Its deployment no longer exists here.")
    if not _not_personal(request, deployment, [obj]):
        raise NotHere("Its file is personal, and only shown on the identified face.")
    stored = _here(request, deployment, [obj])
    if not stored:
        raise NotHere(
            "Its file is not here yet. An export with files fetches it, and so does `deployment assets --fetch`."
        )
    return stored[obj.id]


def _deployment_of(obj: Asset) -> Deployment | None:
    return Deployment.objects.filter(number=obj.deployment_number).first()


def _not_personal(request: HttpRequest, deployment: Deployment, assets: list[Asset]) -> list[Asset]:
    """Return assets whose files may be shown on this face; none while it is not known which are personal."""
    if shown_face(request) == IDENTIFIED:
        return assets
    personal = personal_assets(deployment)
    return [] if personal is None else [obj for obj in assets if obj.id not in personal]


def _here(
    request: HttpRequest, deployment: Deployment, assets: list[Asset]
) -> dict[int, tuple[ViewableAsset, list[StoredAsset]]]:
    """Return {asset id: (Shown, its files)} for assets whose files are stored."""
    if not assets:
        return {}
    # The anonymous face withholds or scrubs where a file came from; here it is only used to find the file.
    rows = Asset.objects.using(IDENTIFIED).filter(key__in=[obj.key for obj in assets])
    planned = {one.id: one for one in plan(map(_as_text, rows), "all")}
    files, paths = stored_files(deployment, planned.values()), {obj.id: obj.export_path or "" for obj in assets}
    names = ShownNames(shown_face(request), deployment)
    return {number: (ViewableAsset(paths[number], names, deployment), rows) for number, rows in files.items()}


def kind_of(name: str) -> str:
    """Return `audio`, `video`, `picture` or `text` for what a page can show, else an empty text."""
    return _KINDS.get(_type_of(name).partition("/")[0], "")


def beginning(row: StoredAsset) -> str:
    try:
        data = b"".join(blocks(default_storage, row.file, 0, min(row.bytes, _TEXT)))
    except Damaged as problem:
        return problem.sentence
    return data.decode("utf-8", "replace") + ("\n…" if row.bytes > _TEXT else "")


def answer(model_admin, request: HttpRequest, key: int, number: int) -> HttpResponseBase:
    """Return the file, or one range of it; reading on the identified face is recorded."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    obj = model_admin.get_queryset(request).filter(key=key).first()
    if obj is None:
        raise Http404
    try:
        asset, files = viewable(request, obj)
    except NotHere as reason:
        raise Http404(str(reason)) from None
    row = next((row for row in files if row.number == number), None)
    if row is None or not default_storage.exists(row.file):
        raise Http404
    if sentence := asset.withheld([row]).get(row.pk):
        return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
    return _response(request, obj, asset.name_of(row), row)


def _response(request: HttpRequest, obj: Asset, name: str, row: StoredAsset) -> HttpResponseBase:
    asked = byte_range.asked(request.headers.get("Range", ""), row.bytes)
    start, stop = asked or (0, row.bytes)
    if asked is not None and start >= stop:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{row.bytes}"})
    record_read(request, f"file of {obj}", deployment_number=obj.deployment_number, once=True, sha256=row.sha256)
    inline = kind_of(name) and "download" not in request.GET
    content = blocks(default_storage, row.file, start, stop)
    kind = _type_of(name) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = StreamingHttpResponse(content, status=200 if asked is None else 206, content_type=kind)
    for header, value in _SAFE.items():
        response[header] = value
    response["Content-Security-Policy"] = _OF_MEDIA if inline else _OF_OTHERS
    response["Content-Length"] = str(stop - start)
    response["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{_plain(name)}"'
    if asked is not None:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{row.bytes}"
    return response


def _type_of(name: str) -> str:
    dot = name.rfind(".")
    return _TYPES.get(name[dot:].lower(), "") if dot >= 0 else ""


def _plain(name: str) -> str:
    """Return a name with plain letters only, so that the header needs no second form."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", name.rpartition("/")[2])[-150:].strip("-") or "file"


def _as_text(row: Asset) -> dict[str, str | None]:
    """Return a mirrored row in the form of the source's columns."""
    flags = {True: "t", False: "f", None: None}
    typed = {name: getattr(row, name) for name in row.typed_fields()}
    texts = {
        name: flags[value] if value is None or isinstance(value, bool) else str(value) for name, value in typed.items()
    }
    return texts | row.rest_columns
