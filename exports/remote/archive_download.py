"""Download a finished archive from another desk into a file, and continue where it stopped (RFC 9110, 14)."""

import hashlib
import http.client
import time
from collections.abc import Callable
from pathlib import Path

from psynetdata.infra.web_client import Answer, NoAnswer, read
from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged, Problem

from .desk import Desk, DeskAway

PAUSES = (1.0, 4.0, 15.0)  # seconds between tries without progress


def download(desk: Desk, path: str, *, bytes: int, sha256: str, to: Path, shown: Callable[[int], None]) -> None:
    """Download the archive at `path` into the file `to`, after what is already there; `shown` gets the bytes so far.

    Raises DeskAway if the connection keeps failing, and what arrived stays there; Damaged if it is not the archive that
    the desk named, and then the file is removed; Problem on disk errors.
    """
    try:
        _download_all(desk, path, bytes, sha256, to, shown)
        with to.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Problem(f"The export cannot be written to {to.parent}: {error.strerror or error}.") from None
    if digest != sha256:
        to.unlink()
        raise Damaged(f"The file from {desk.name} was changed on the way (its SHA-256 is different); fetch it again.")


def _download_all(desk: Desk, path: str, size: int, sha256: str, to: Path, shown: Callable[[int], None]) -> None:
    tries, before = 0, -1
    while (have := _size(to)) != size:
        if have > size:
            to.unlink()
            continue
        tries = 1 if have > before >= 0 else tries + 1
        before = have
        if tries > 1:
            if tries > len(PAUSES) + 1:
                raise DeskAway(f"The connection to {desk.name} failed repeatedly; {have:,} of {size:,} bytes are here.")
            time.sleep(PAUSES[tries - 2])
        try:
            _download_rest(desk, path, have, sha256, to, shown)
        except (NoAnswer, DeskAway):
            continue


def _download_rest(desk: Desk, path: str, have: int, sha256: str, to: Path, shown: Callable[[int], None]) -> None:
    headers = {"Range": f"bytes={have}-", "If-Range": f'"{sha256}"'} if have else {}
    with desk.api.open("GET", path, headers) as answer:
        if answer.status not in (200, 206):
            raise desk.refusal(Answer(answer.status, answer.headers, read(answer, BLOCK)))
        start = have if _goes_on(answer, have) else 0
        shown(start)
        with to.open("ab" if start else "wb") as file:
            while block := read(answer, BLOCK):
                file.write(block)
                file.flush()  # what arrived stays, however this process ends
                start += len(block)
                shown(start)


def _goes_on(answer: http.client.HTTPResponse, have: int) -> bool:
    return answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
