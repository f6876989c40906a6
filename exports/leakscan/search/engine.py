"""Find many byte patterns at once: with Hyperscan if it is installed, else with Aho-Corasick.

Both report every occurrence, also overlapping ones, and give the same results. Hyperscan's Python binding cuts a
literal at a zero byte, so patterns must not hold one.
"""

import importlib.util
from typing import Any, Protocol

from psynetdata.psynet.problems import UsageError

ENGINES = ("hyperscan", "ahocorasick")
_MODULES = {"hyperscan": "hyperscan", "ahocorasick": "ahocorasick_rs"}


class Engine(Protocol):
    """Compiled patterns."""

    name: str

    def ends(self, data: bytes) -> list[tuple[int, int]]:
        """Return (end, index of the pattern) of every occurrence, sorted."""


class Hyperscan:
    """Intel's Hyperscan, literals in block mode."""

    name = "hyperscan"

    def __init__(self, patterns: list[bytes]):
        import hyperscan  # optional

        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK) if patterns else None
        if self._database:
            self._database.compile(expressions=patterns, ids=list(range(len(patterns))), flags=0, literal=True)

    def ends(self, data: bytes) -> list[tuple[int, int]]:
        matches: list[tuple[int, int]] = []
        if self._database and data:
            self._database.scan(data, match_event_handler=_note, context=matches)
            matches.sort()
        return matches


def _note(index: int, start: int, end: int, flags: int, matches: Any) -> None:
    matches.append((end, index))


class AhoCorasick:
    """ahocorasick_rs, with overlapping matches."""

    name = "ahocorasick"

    def __init__(self, patterns: list[bytes]):
        import ahocorasick_rs  # the fallback; not imported where Hyperscan is used

        self._automaton = ahocorasick_rs.BytesAhoCorasick(patterns) if patterns else None

    def ends(self, data: bytes) -> list[tuple[int, int]]:
        if not self._automaton or not data:
            return []
        return sorted((end, index) for index, _, end in self._automaton.find_matches_as_indexes(data, overlapping=True))


def choose(name: str | None = None) -> str:
    """Return the engine to use: the given one, else the first that is installed. Raises UsageError if there is none."""
    for candidate in (name,) if name else ENGINES:
        if candidate in _MODULES and importlib.util.find_spec(_MODULES[candidate]):
            return candidate
    raise UsageError("The leak scan needs `hyperscan` or `ahocorasick_rs`; install one with pip.")


def build(patterns: list[bytes], name: str) -> Engine:
    """Compile distinct patterns without zero bytes."""
    return Hyperscan(patterns) if name == "hyperscan" else AhoCorasick(patterns)
