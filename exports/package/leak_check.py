"""The automatic check that a finished anonymous archive holds no identifier and no secret (law 4)."""

from collections import Counter
from pathlib import Path
from zipfile import ZipFile

from exports.leakscan.needles import credentials, strength
from exports.leakscan.needles.needle import Needles
from exports.leakscan.scan import scan
from psynetdata.psynet.problems import LeakFound
from psynetdata.psynet.table_source import TableSource

from .progress_meter import ProgressMeter

# Written by this program, from counts and from names that were scrubbed.
_ACCOUNTS = ("manifest.json", "anonymous/manifest.json", "anonymous/anonymization.json")
_NAMED = 5  # members that the sentence names


_STATEMENT = (
    "The finished archive, this file included, was searched for every value counted here, packed parts unpacked. It "
    "was published because none was found. The export's page, not this archive, says how many bytes were searched."
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


def looked_for(needles: Needles) -> dict:
    """Return the scan's part of anonymization.json: counts by kind and strength, no values. Known before the scan."""
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
    }


def password_notes(source: TableSource) -> list[str]:
    """Return a sentence for each place where a regular export holds a password of the experiment's server."""
    return [
        f"Table {table}, column {column}{f', {key}' if key else ''}: holds a password in clear, as PsyNet wrote it. "
        "While the experiment's server runs, anyone who has this export can use it."
        for table, column, key in credentials.passwords(source)
    ]


def prove(path: Path, needles: Needles, meter: ProgressMeter, units: int, *, processes: int | None = None) -> dict:
    """Scan an archive and return the report as JSON. A finding raises LeakFound, which names no value.

    `units`: how many units of the meter this is worth. `processes`: by default the machine's cores.
    """
    with ZipFile(path) as archive:
        meter.begin("scanning", units, bytes=sum(member.file_size for member in archive.infolist()))
    report = scan(
        path,
        needles,
        accounts=_ACCOUNTS,
        progress=lambda searched: meter.reach(bytes=searched),
        processes=processes,
        scratch=path.parent,
    )
    meter.reach(bytes=report.bytes_scanned)
    if not report.clean:
        raise LeakFound(sentence(report.findings))
    return report.to_json()


def sentence(findings) -> str:
    kinds = sorted({finding.kind for finding in findings})
    members = sorted({finding.member for finding in findings})
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    return (
        f"The anonymous archive still holds identifying values or parts that cannot be read ({', '.join(kinds)}) in "
        f"{', '.join(members[:_NAMED])}{more}; nothing was published. "
        "Withhold the columns or keys that hold them by a rule of the policy, then export again."
    )
