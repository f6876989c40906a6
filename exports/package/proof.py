"""The proof that a finished anonymous archive holds no identifier and no secret (law 4)."""

from collections import Counter
from pathlib import Path

from exports.leakscan.needles import Needles
from exports.leakscan.scan import scan
from psynetdata.psynet.problems import LeakFound

from .meter import Meter

# Written here, from counts and names that were scrubbed.
_ACCOUNTS = ("manifest.json", "anonymous/manifest.json", "anonymous/anonymization.json")
_NAMED = 5  # members that the sentence names


def looked_for(needles: Needles) -> dict:
    """{kind: {strength: values}}, known before the scan, so that it can stand inside the archive. Holds no value."""
    counts: dict[str, Counter[str]] = {}
    for needle in needles.items:
        counts.setdefault(needle.kind, Counter())[needles.strength(needle)] += 1
    return {
        "looked_for": {kind: dict(sorted(counts[kind].items())) for kind in sorted(counts)},
        "set_aside": dict(sorted(needles.set_aside.items())),
    }


def prove(path: Path, needles: Needles, meter: Meter, *, processes: int | None = None) -> dict:
    """The scan's report as JSON. One finding raises LeakFound, which names kinds and members and no value.

    `processes`: by default the machine's cores.
    """
    report = scan(
        path,
        needles,
        accounts=_ACCOUNTS,
        progress=lambda searched: meter.check(),
        processes=processes,
        scratch=path.parent,
    )
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
        "Withhold what they stand in by a rule of the policy, then export again."
    )
