"""Make an export at another desk, from the request to the folder on this disk, without this machine's databases.

The job runs at the other desk, with its records, rights and notices; only the files are here.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from exports.package.export_folder import check_path, path_of, unpack_files
from exports.package.options import ANONYMOUS, REGULAR, ExportOptions
from psynetdata.psynet.problems import Conflict, Problem

from .archive_download import download
from .desk import Desk, DeskAway

LOOK_EVERY = 1.0  # seconds
_AWAY_FOR = 300.0  # seconds for which a desk may be silent while we wait for it: it may be restarting
_UNTIL_NOW = ("queued", "running")


@dataclass
class RemoteProgress:
    """Progress, for a progress bar, like a Job's."""

    phase: str
    percent: int | None


@dataclass(frozen=True)
class FetchedExport:
    """`manifest`: of the folder at `path`; `scans`: {mode: what the leak scan looked for}, from anonymization.json."""

    number: int
    path: Path
    manifest: dict
    scans: dict[str, dict]


class RemoteExport:
    """One export at a desk. `number` is the desk's own, None until it has been requested."""

    def __init__(self, desk: Desk, on_progress: Callable[[RemoteProgress], None], number: int | None = None):
        self.desk, self.number = desk, number
        self._shown = on_progress
        self._heard_at: float | None = None  # after the first answer a silent desk is waited for

    def ask(self, options: ExportOptions, **which) -> None:
        """Request it. `which`: deployment, snapshot, app, source, server; None is left out. Raises what Desk raises."""
        asked = {**options.to_json(), **which}
        export = self.desk.ask(
            "POST", "/api/exports/", {name: value for name, value in asked.items() if value is not None}
        )
        self.number = _whole(export.get("id"))
        self._heard_at = time.monotonic()

    def fetch(self, path: Path | None, *, processes: int = 1) -> FetchedExport:
        """Wait for it, then unpack its archives into one folder, like an export made here. Raises Conflict if it
        failed.

        Downloaded parts are next to the folder (`.part`) until all is unpacked; a later call continues from there.
        """
        export = self._done()
        if path is None:
            label, mode = str(export.get("label") or ""), str(export.get("launch_mode") or "unknown")
            path = path_of(str(export.get("deployment")), label, mode, datetime.now())
        check_path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(f"The export cannot be written to {path}: {error.strerror or error}.") from None
        parts = {one["mode"]: self._download(one, path.parent) for one in _archives(export)}
        manifest = unpack_files(parts, path, processes=processes)
        for part in parts.values():
            part.unlink()
        return FetchedExport(self.number, path, manifest, {mode: _scan(path, mode) for mode in parts})

    def _done(self) -> dict:
        """Return the desk's description of the export when it is done.

        Raises Conflict, with the reason, if it failed.
        """
        heard = self._heard_at
        while True:
            try:
                export = self.desk.ask("GET", f"/api/exports/{self.number}/")
                heard = time.monotonic()
            except DeskAway:
                if heard is None or time.monotonic() - heard > _AWAY_FOR:
                    raise
                time.sleep(LOOK_EVERY)
                continue
            if export.get("state") == "done":
                return export
            if export.get("state") not in _UNTIL_NOW:
                reason = f"{export.get('reason') or ''}".strip()
                raise Conflict(f"Export {self.number} at {self.desk.name} is {export.get('state')}. {reason}".strip())
            waiting = (
                "waiting for a worker there" if export["state"] == "queued" else str(export.get("phase") or "beginning")
            )
            percent = export.get("percent")
            self._shown(RemoteProgress(waiting, percent if isinstance(percent, int) else None))
            time.sleep(LOOK_EVERY)

    def _download(self, archive: dict, folder: Path) -> Path:
        mode, size, sha256 = archive["mode"], archive["bytes"], archive["sha256"]
        part = folder / f".{self.desk.name.replace(':', '-')}-export-{self.number}-{mode}.{sha256[:16]}.zip.part"
        part.touch(mode=0o600)
        download(
            self.desk, f"/api/exports/{self.number}/download/?mode={mode}", bytes=size, sha256=sha256, to=part,
            shown=lambda have: self._shown(RemoteProgress(f"fetching the {mode} archive", have * 100 // max(size, 1))),
        )  # fmt: skip
        return part


def _whole(number: object) -> int:
    if not isinstance(number, int):
        raise DeskAway("The desk does not say which export it makes; check that both have the same version.")
    return number


def _archives(export: dict) -> list[dict]:
    """Return mode, bytes and sha256 of each archive that can be downloaded. Raises Conflict if a mode is missing."""
    archives = [one for one in export.get("archives") or [] if one.get("download")]
    if not all(_is_archive(one) for one in archives):
        raise DeskAway("The desk's list of archives is not understood; check that both have the same version.")
    wanted = {"yes": 1, "no": 1}.get(export.get("options", {}).get("anonymize"), 2)
    if len(archives) < wanted:
        raise Conflict(
            f"Not every archive of export {export.get('id')} can be downloaded with this token: some may have expired "
            "or be for people with other rights. Request a new export."
        )
    return archives


def _is_archive(one: dict) -> bool:
    sha256 = one.get("sha256")
    named = one.get("mode") in (REGULAR, ANONYMOUS) and isinstance(one.get("bytes"), int)
    return named and isinstance(sha256, str) and bool(re.fullmatch(r"[0-9a-f]{64}", sha256))


def _scan(path: Path, mode: str) -> dict:
    account = path / mode / "anonymization.json"
    return json.loads(account.read_bytes()).get("scan", {}) if account.exists() else {}
