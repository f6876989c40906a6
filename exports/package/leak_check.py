"""The automatic check that a finished anonymous archive holds no identifier and no secret (law 4)."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

from exports.leakscan.archive import formats, kinds
from exports.leakscan.needles import credentials, strength
from exports.leakscan.needles.needle import Needles
from exports.leakscan.report import UNREADABLE
from exports.leakscan.scan import Finding, scan
from exports.leakscan.second_check.sightings import SecondCheck
from psynetdata.psynet.problems import LeakFound
from psynetdata.psynet.table_source import TableSource

from .progress_meter import ProgressMeter
from .tree.members import Member

# Written by this program, from counts and from names that were scrubbed.
_ACCOUNTS = ("manifest.json", "anonymous/manifest.json", "anonymous/anonymization.json")
_NAMED = 5  # members that the sentence names


_STATEMENT = (
    "The finished archive, this file included, was searched for every value counted here, packed parts unpacked. It "
    "was published because none was found. The export's page, not this archive, says how many bytes were searched."
)
_SEARCHED = (
    "Names, comments and contents of all files, as they are and unpacked: zip, tar, gzip, bzip2, xz, lzma and Parquet, "
    "also inside each other; streams of zlib, gzip, bzip2, xz and members of a zip anywhere inside other files (PDF, "
    "PNG, HDF5, MATLAB and others); UTF-16, UTF-32, uuencode, and files in base64 or hexadecimal digits inside text. A "
    "file that is encrypted, damaged or packed in another way is refused."
)
_NOT_SEARCHED = (
    "Of these files the bytes were searched, with text that is written next to the content, but not what is seen in a "
    "picture, heard in a recording, or written in a way of the format's own (letters of a PDF's fonts, packed tables). "
    "Such files inside packed ones are listed in the export's report."
)
_SECOND = (
    "A second check, which knows none of the exceptions above, compared everything of these shapes, and every id, with "
    "the ids of people. Ids that are words, or numbers of fewer than ten digits, do not fail it; what it saw is listed "
    "by file and column in the export's report."
)
_FORMS = (
    *("any case", "percent", "percent twice", "HTML", "JSON in JSON", "CSV", "UTF-16", "base64"),
    *("MD5", "SHA-1", "SHA-256"),
)
_STRENGTHS = {
    strength.STRONG: "eight bytes or more, digits only ten or more: anywhere",
    strength.TOKEN: "six or seven bytes, digits only six to nine: as whole words",
    strength.CELL: "three to five bytes: as whole values",
    strength.NAMED: "shorter ones, short numbers, common words: under names of identity",
}


def looked_for(needles: Needles, files: Iterable[Member], second: SecondCheck) -> dict:
    """Return the scan's part of anonymization.json: counts by kind and strength, no values. Known before the scan.

    `files`: those of the archive so far, of which some are seen in part only.
    """
    counts: dict[str, Counter[str]] = {}
    for needle in needles.items:
        counts.setdefault(needle.kind, Counter())[needles.strength(needle)] += 1
    return {
        "statement": _STATEMENT,
        "hits": 0,
        "forms": list(_FORMS),
        "strengths": _STRENGTHS,
        "looked_for": {kind: dict(sorted(counts[kind].items())) for kind in sorted(counts)},
        "set_aside": dict(sorted(needles.set_aside.items())),
        "searched": _SEARCHED,
        "not_searched": {"statement": _NOT_SEARCHED, "files": _seen_in_part(files)},
        "second_check": {"statement": _SECOND, **second.to_json()},
    }


def _seen_in_part(files: Iterable[Member]) -> list[dict]:
    """Return {path, kind} of each file of which only the bytes are searched."""
    listed = []
    for file in files:
        if file.path is not None and file.path.is_file():
            with file.path.open("rb") as stream:
                kind = kinds.kind_of(stream.read(formats.HEAD))
            if kinds.is_seen_in_part(kind):
                listed.append({"path": file.name.removeprefix("anonymous/"), "kind": kind})
    return listed


def password_notes(source: TableSource) -> list[str]:
    """Return a sentence for each place where a regular export holds a password of the experiment's server."""
    return [
        f"Table {table}, column {column}{f', {key}' if key else ''}: holds a password in clear, as PsyNet wrote it. "
        "While the experiment's server runs, anyone who has this export can use it."
        for table, column, key in credentials.passwords(source)
    ]


def second_check(source: TableSource, needles: Needles) -> SecondCheck:
    """Return the check that knows no exemptions, of the raw tables."""
    return SecondCheck(source, ((needle.value, needle.kind) for needle in needles.items))


def prove(
    path: Path,
    needles: Needles,
    meter: ProgressMeter,
    units: int,
    *,
    second: SecondCheck | None = None,
    processes: int | None = None,
) -> dict:
    """Scan an archive and return the report as JSON. A finding raises LeakFound, which names no value.

    `units`: how many units of the meter this is worth. `processes`: by default the machine's cores.
    """
    with ZipFile(path) as archive:
        meter.begin("scanning", units, bytes=sum(member.file_size for member in archive.infolist()))
    report = scan(
        path,
        needles,
        accounts=_ACCOUNTS,
        second=second,
        progress=lambda searched: meter.reach(bytes=searched),
        processes=processes,
        scratch=path.parent,
    )
    meter.reach(bytes=report.bytes_scanned)
    if not report.clean:
        raise LeakFound(sentence(report.findings))
    return report.to_json()


def sentence(findings: Iterable[Finding]) -> str:
    """Return what was found, where, and the way out, without a value."""
    values, closed = [], []
    for finding in findings:
        (closed if finding.kind == UNREADABLE else values).append(finding)
    contents, ways = [], []
    if values:
        kinds_found = ", ".join(sorted({finding.kind for finding in values}))
        contents.append(f"identifying values ({kinds_found}) in {_members(values)}")
        ways.append("withhold the columns or keys that hold them by a rule of the policy")
    if closed:
        reasons = sorted({finding.form for finding in closed})[:_NAMED]
        contents.append(f"files that cannot be searched ({'; '.join(reasons)}): {_members(closed)}")
        ways.append("leave these files out, by a rule of the policy or without assets")
    way = ", and ".join(ways)
    return (
        f"The anonymous archive still holds {', and '.join(contents)}; nothing was published. "
        f"{way[0].upper()}{way[1:]}, then export again."
    )


def _members(findings: Iterable[Finding]) -> str:
    members = sorted({finding.member for finding in findings})
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    return f"{', '.join(members[:_NAMED])}{more}"
