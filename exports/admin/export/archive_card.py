"""The card of one finished archive: what is in it, the result of the leak scan, the download."""

from django.utils import timezone

from exports.models import ExportArchive
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card

SHOWN_FILES = 200
SHOWN_REPLACED = 3
_TITLES = {"regular": "Regular archive, with identified data", "anonymous": "Anonymized archive"}


def archive_card(archive: ExportArchive, *, may_download: bool) -> Card:
    expired = archive.expires_at is not None and archive.expires_at <= timezone.now()
    manifest = archive.manifest
    # Names of files can reveal people: only users who may have the files see them.
    files = [_file(entry) for entry in manifest.get("files", [])[:SHOWN_FILES]] if may_download else []
    missing = manifest.get("assets", {}).get("missing", [])[:SHOWN_FILES] if may_download else []
    context = {
        "may_download": may_download and not expired,
        "expired": expired,
        "url": f"/api/exports/{archive.export_id}/download/?mode={archive.mode}",
        "size": html.size(archive.bytes),
        "mode": archive.mode,
        "summary": _files_in_words(manifest),
        "files": files,
        "missing": missing,
        "manifest": html.json_value(_without_files(manifest)) if may_download else "",
        "report": html.json_value(archive.report) if may_download and archive.report else "",
    }
    return Card(
        _TITLES[archive.mode],
        facts=_facts(archive, manifest, may_download),
        template="admin/exports/archive.html",
        context=context,
    )


def _facts(archive: ExportArchive, manifest: dict, may_download: bool) -> list[tuple]:
    assets = manifest.get("assets", {})
    facts = [
        ("size", f"{html.size(archive.bytes)} ({html.number(archive.bytes)} bytes)"),
        ("rows", html.number(sum(manifest.get("tables", {}).values()))),
        ("asset files", f"{assets.get('included', 0)} included, {len(assets.get('missing', []))} missing"),
        ("finished", html.utc(archive.created_at)),
        ("kept until", html.utc(archive.expires_at) if archive.expires_at else "someone removes it"),
    ]
    if may_download and (replaced := manifest.get("anonymization", {}).get("replaced_most")):
        facts.append(("replaced most", _replaced_words(replaced)))
    if may_download:
        facts += [("SHA-256", archive.sha256), *(("note", note) for note in manifest.get("notes", []))]
    if archive.mode == ExportArchive.Mode.ANONYMOUS:
        facts.append(("leak scan", scan_words(archive.report)))
        facts += [("of the scan", note) for note in archive.report.get("notes", [])]
    return facts


def _without_files(manifest: dict) -> dict:
    """Return the manifest without files and missing assets, which have their own tables."""
    assets = {name: value for name, value in manifest.get("assets", {}).items() if name != "missing"}
    return {name: value for name, value in manifest.items() if name != "files"} | {"assets": assets}


def scan_words(report: dict) -> str:
    """Return the scan's report in a sentence (exports.leakscan, ScanReport)."""
    if not report:
        return "no report was stored"
    counts = {kind: sum(strengths.values()) for kind, strengths in report["looked_for"].items()}
    kinds = ", ".join(f"{count} × {kind.replace('_', ' ')}" for kind, count in counts.items() if count)
    searched = f"{report['members']} members, {html.size(report['bytes_scanned'])} uncompressed, were searched for"
    outcome = "None was found." if report["clean"] else f"{len(report['findings'])} places hold one or more."
    return f"{searched} {html.number(sum(counts.values()))} identifiers and secrets ({kinds}). {outcome}"


def _replaced_words(replaced: list[dict]) -> str:
    """Return the identifiers that were replaced most, by kind: an unusual one may be a word of the experiment."""
    return "; ".join(
        f"{each['kind'].replace('_', ' ')} in {html.number(each['cells'])} cells of {each['participants']} participants"
        for each in replaced[:SHOWN_REPLACED]
    )


def _files_in_words(manifest: dict) -> str:
    count, assets = len(manifest.get("files", [])), manifest.get("asset_files", 0)
    more = f" (the first {SHOWN_FILES} are listed)" if count > SHOWN_FILES else ""
    return f"{count} files{more}" + (f", and {assets} asset files" if assets else "")


def _file(entry: dict) -> dict:
    return {"path": entry["path"], "size": html.size(entry["bytes"]), "rows": html.number(entry.get("rows"))}
