"""What a scan found. Nothing here ever holds a value that was looked for."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from psynetdata.psynet.problems import LeakFound

from .needles import strength
from .search.matcher import Matcher

UNREADABLE = "unreadable"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` occurrences of values of one kind in one place.

    `member`: path in the archive, with identifying parts hidden. `column_or_place`: a column, `key …`, `name`,
    `content`, … `form`: plain, percent, json, base64, md5, …; for an unreadable member, the reason.
    """

    member: str
    column_or_place: str
    kind: str
    form: str
    count: int


@dataclass
class ScanReport:
    """The result. `looked_for` counts needles: {kind: {"strong": n, "token": n, "cell": n}}.

    `cell` counts the weakly checked ones: `only_named` of them, by kind, were looked for only under columns and keys
    that name an identity. `set_aside`: not looked for, because public rows also hold them. `not_searched`: the files of
    which only the bytes were searched, not what is seen or heard in them: {"kinds": {kind: n}, "files": [{"member",
    "kind"}, …]}. `second_check`: what the check without exemptions saw, where, how often, and why that was allowed.
    """

    method: str
    findings: list[Finding] = field(default_factory=list)
    bytes_scanned: int = 0
    members: int = 0
    looked_for: dict[str, dict[str, int]] = field(default_factory=dict)
    only_named: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)
    not_searched: dict[str, Any] = field(default_factory=dict)
    second_check: dict[str, Any] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def notes(self) -> list[str]:
        """One sentence for each kind of check that is weaker than a search for every occurrence."""
        totals: Counter[str] = Counter()
        for classes in self.looked_for.values():
            totals.update(classes)
        named = sum(self.only_named.values())
        weaker = {
            "values of 6 or 7 characters (digits only: 6 to 9) were looked for as whole words": totals[strength.TOKEN],
            "values of 3 to 5 characters were looked for as whole cells and whole JSON texts": totals["cell"] - named,
            "very short values, short numbers and common words were looked for only in columns and keys that name "
            "an identity": named,
            "values were not looked for because public rows also hold them": sum(self.set_aside.values()),
        }
        notes = [f"{count} {text}." for text, count in weaker.items() if count]
        if kinds := self.not_searched.get("kinds"):
            listed = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
            notes.append(f"Of these files only the bytes were searched, not what is seen or heard in them: {listed}.")
        if seen := self.second_check.get("seen"):
            shapes: Counter[str] = Counter()
            for row in seen:
                shapes[row["shape"]] += row["count"]
            listed = ", ".join(f"{count} × {shape}" for shape, count in shapes.most_common())
            notes.append(f"The second check saw, and allowed, in {len(seen)} places: {listed}.")
        return notes

    def check(self) -> None:
        """Raise LeakFound unless clean."""
        if self.findings:
            places = ", ".join(dict.fromkeys(f"{f.member} ({f.column_or_place}: {f.kind})" for f in self.findings[:3]))
            raise LeakFound(
                f"The anonymized archive still holds identifiers or parts that cannot be read, in {len(self.findings)} "
                f"places, first {places}. It was not released; withhold or scrub these and export again."
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "clean": self.clean,
            "method": self.method,
            "bytes_scanned": self.bytes_scanned,
            "members": self.members,
            "looked_for": self.looked_for,
            "only_named": self.only_named,
            "set_aside": self.set_aside,
            "notes": self.notes,
            "not_searched": self.not_searched,
            "second_check": self.second_check,
            "findings": [asdict(finding) for finding in self.findings],
        }


class Tally:
    """Counts findings while a scan runs. `lone_numbers`: a number of six to nine digits is a cell by itself."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        self._beyond = 0
        self._kinds: Counter[tuple[str, str]] = Counter()
        self.sightings: Counter[tuple[str, str, str, str]] = Counter()  # second_check.sightings.Key
        self.bytes = 0
        self.members = 0
        self.lone_numbers = False

    def merge(self, other: "Tally") -> None:
        for key, count in other._counts.items():
            self.add(*key, count)
        self._beyond += other._beyond
        self._kinds += other._kinds
        self.sightings += other.sightings
        self.bytes += other.bytes
        self.members += other.members

    def add(self, member: str, place: str, kind: str, form: str, count: int = 1) -> None:
        key = (member, place, kind, form)
        if key in self._counts or len(self._counts) < _MOST:
            self._counts[key] += count
        else:
            self._beyond += count

    def note_kind(self, member: str, kind: str) -> None:
        """Note a file that is seen in part only."""
        self._kinds[member, kind] += 1

    def not_searched(self) -> dict[str, Any]:
        """Return what ScanReport.not_searched is; of very many files the first are listed."""
        counts: Counter[str] = Counter()
        for (_, kind), count in self._kinds.items():
            counts[kind] += count
        files = [{"member": member, "kind": kind} for member, kind in sorted(self._kinds)[:_MOST]]
        return {"kinds": dict(sorted(counts.items())), "files": files} if files else {}

    def findings(self) -> list[Finding]:
        findings = [Finding(*key, count) for key, count in sorted(self._counts.items())]
        if self._beyond:
            findings.append(Finding("(further members)", "any", "any", "any", self._beyond))
        return findings


def inventory(matcher: Matcher) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Return (looked_for, only_named) of a ScanReport."""
    looked_for: dict[str, dict[str, int]] = {}
    only_named: Counter[str] = Counter()
    for needle, klass in zip(matcher.needles, matcher.classes, strict=True):
        classes = looked_for.setdefault(needle.kind, {strength.STRONG: 0, strength.TOKEN: 0, strength.CELL: 0})
        classes[strength.CELL if klass == strength.NAMED else klass] += 1
        only_named[needle.kind] += klass == strength.NAMED
    return looked_for, {kind: count for kind, count in only_named.items() if count}
