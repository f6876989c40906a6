"""Lines of stored logs, newest first, page by page; memory depends on one part, and time is bounded."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from exports.models import ServerLogs
from psynetdata.psynet import logline
from psynetdata.psynet.logline import LogLine

from .logs import lines_of

PAGE = 100
LONGEST = 3.0  # seconds for a page; a search through all logs continues on the next one


@dataclass(frozen=True)
class SearchResult:
    """`further`: (part, line) before which there may be more, None at the beginning of the logs.

    `stopped`: the time was over before the page was full.
    """

    lines: list[LogLine]
    further: tuple[int, int] | None
    stopped: bool = False


def search(row: ServerLogs, text: str = "", level: str = "", *, before: tuple[int, int] | None = None) -> SearchResult:
    """Return lines of a level that hold `text`, ignoring case. Raises Damaged if a part has changed."""
    until, lines = monotonic() + LONGEST, []
    number, line = before or (len(row.parts) - 1, 0)
    number = min(number, len(row.parts) - 1)
    for part in range(number, -1, -1):
        end = line if before and part == number else None
        for at, one in _search_part(row, part, end, text.casefold(), level.upper()):
            lines.append(one)
            if len(lines) == PAGE:
                return SearchResult(lines, (part, at) if part or at else None)
        if part and monotonic() > until:
            return SearchResult(lines, (part - 1, _END), stopped=True)
    return SearchResult(lines, None)


_END = 1 << 31  # after every line of a part


def _search_part(row: ServerLogs, part: int, end: int | None, text: str, level: str) -> Iterator[tuple[int, LogLine]]:
    """Yield (number, line), from the last one backwards, of the lines before `end`."""
    lines = lines_of(row, part).split(b"\n")
    for at in range(min(len(lines), _END if end is None else end) - 1, -1, -1):
        if lines[at].strip() and _may_match(lines[at], text, level):
            parsed = logline.parse(lines[at])
            if _matches(parsed, text, level):
                yield at, parsed


def _may_match(line: bytes, text: str, level: str) -> bool:
    """Filter before parsing, which is slower: ASCII text that needs no escape in JSON is in the line unchanged."""
    if text.isascii() and not set(text) & set('"\\/\t') and text.encode() not in line.lower():
        return False
    return level.encode() in line.upper()


def _matches(line: LogLine, text: str, level: str) -> bool:
    if level and line.level != level:
        return False
    return any(text in part.casefold() for part in (line.message, line.time, line.level))
