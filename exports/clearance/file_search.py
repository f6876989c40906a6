"""Search files of assets that are not personal before people without the right to identified data may have them.

The scan of finished exports does it. An outcome is kept by the file's content and by what was searched for, so a new
identifier makes a file searched again.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.files.storage import default_storage

from exports.assets.asset_files import AssetStorage
from exports.assets.personal_assets import shown_digest
from exports.leakscan.needles.needle import Needles
from exports.leakscan.report import UNREADABLE
from exports.leakscan.scan import scan
from exports.models import SearchedFile, StoredAsset
from psynetdata.anonymize.face.identifier_cache import identifiers_of
from psynetdata.infra.storage import blocks
from psynetdata.models import Deployment

Outcome = SearchedFile.Outcome
LARGEST = 64 << 20  # bytes; more would keep a person waiting
_CODE = 1  # increase it when the search finds more
_HEAD = 16
# The beginnings of sounds, pictures and films, which may be too large to be searched.
_MEDIA = (
    (0, b"RIFF"), (0, b"OggS"), (0, b"fLaC"), (0, b"ID3"), (0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xf1"),
    (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (0, b"\x89PNG"), (0, b"\xff\xd8\xff"), (0, b"GIF8"),
)  # fmt: skip
_SENTENCES = {
    Outcome.HIT: "It is withheld: it holds an identifier of a participant.",
    Outcome.UNREADABLE: "It is withheld: it cannot be searched for identifiers.",
}
_UNKNOWN = "It is withheld until the deployment's identifiers are known; a snapshot finds them."
_TOO_LARGE = "It is withheld: it is too large to be searched here."
_GONE = "Its file is missing from the storage."


def withheld(deployment: Deployment, files: Iterable[tuple[StoredAsset, str]]) -> dict[int, str]:
    """Return {id of the file's row: why people without the right may not have it}, for files that they may not have.

    `files`: rows with the names under which they are shown. Files that were not searched before are searched now.
    """
    files, digest = list(files), shown_digest(deployment)
    searched_for = hashlib.sha256(f"{_CODE} {digest}".encode()).hexdigest()
    mine = SearchedFile.objects.filter(deployment=deployment, searched_for=searched_for)
    outcomes = dict(mine.filter(sha256__in={row.sha256 for row, _ in files}).values_list("sha256", "outcome"))
    new = _search(deployment, digest, {row.sha256: (row, name) for row, name in files if row.sha256 not in outcomes})
    if new is None:
        return {row.pk: _UNKNOWN for row, _ in files}
    for sha256, outcome in new.items():
        fields = {"searched_for": searched_for, "outcome": outcome}
        SearchedFile.objects.update_or_create(deployment=deployment, sha256=sha256, defaults=fields)
    outcomes |= new
    sentences = {
        row.pk: _SENTENCES.get(outcomes[row.sha256], "") if row.sha256 in outcomes else _not_searched(row)
        for row, _ in files
    }
    return {pk: sentence for pk, sentence in sentences.items() if sentence}


def _not_searched(row: StoredAsset) -> str:
    """Return why a file that was not searched is withheld; "" for a large sound, picture or film."""
    if row.bytes <= LARGEST:
        return _GONE
    head = b"".join(blocks(default_storage, row.file, 0, _HEAD))
    return "" if any(head.startswith(magic, at) for at, magic in _MEDIA) else _TOO_LARGE


def _search(deployment: Deployment, digest: str, files: dict[str, tuple[StoredAsset, str]]) -> dict[str, str] | None:
    """Return {sha256: outcome} of files that are there and not too large; None if nobody knows what to search for."""
    files = {sha256: file for sha256, file in files.items() if file[0].bytes <= LARGEST}
    if not files:
        return {}
    identifiers = identifiers_of(deployment, digest) if digest else None
    if identifiers is None:
        return None
    needles = Needles()
    for value, kind in identifiers.kinds.items():
        needles.add(value, kind)
    needles.know_words(identifiers.public)
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="asset-search-") as scratch:
        folder, storage = Path(scratch) / "files", AssetStorage()
        folder.mkdir()
        there = {}
        for number, (sha256, (row, name)) in enumerate(files.items()):
            path = folder / _plain_name(number, name)
            if storage.bring(row, path, copy=True):
                there[path.name] = sha256
        findings = scan(folder, needles, processes=1, scratch=Path(scratch)).findings
    outcomes: dict[str, str] = dict.fromkeys(there.values(), Outcome.CLEAN)
    for finding in sorted(findings, key=lambda one: one.kind != UNREADABLE):  # a hit counts for more
        found = Outcome.UNREADABLE if finding.kind == UNREADABLE else Outcome.HIT
        sha256 = there.get(finding.member.partition("/")[0])
        outcomes |= {sha256: found} if sha256 else dict.fromkeys(outcomes, found)
    return outcomes


def _plain_name(number: int, name: str) -> str:
    """Return a name that nobody has as an id, with the file's ending, from which the search knows some formats."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    ending = Path(name).suffix.lower()
    return f"zzq{letters}{ending if ending.isascii() and ending[1:].isalpha() and len(ending) < 12 else ''}"
