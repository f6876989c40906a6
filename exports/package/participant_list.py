"""Lists of participants for an export of a selection, as people write them: `3, 5, 8-12`."""

import re
from collections.abc import Iterable

from psynetdata.psynet.problems import UsageError

MOST = 10_000
_ABOVE = 1 << 31  # PsyNet's ids are int4
_PART = re.compile(r"(\d{1,10})(?:-(\d{1,10}))?", re.ASCII)


def parse(text: str) -> tuple[int, ...] | None:
    """Return the ids in order; None for a blank text. Raises UsageError."""
    if not text.strip():
        return None
    ids: set[int] = set()
    for part in re.sub(r"\s*-\s*", "-", text.replace(",", " ")).split():
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last or last - first >= MOST:
            raise UsageError(f"{part[:40]!r} does not name participants; write their ids, like 3, 5, 8-12.")
        ids.update(range(first, last + 1))
        if len(ids) > MOST:
            break
    return checked(ids)


def checked(asked: object) -> tuple[int, ...]:
    """Return each id once, in order. Raises UsageError."""
    if not isinstance(asked, list | tuple | set) or not all(type(each) is int and 0 < each < _ABOVE for each in asked):
        raise UsageError("The export's participants are a list of PsyNet's ids, whole numbers from 1.")
    if not asked:
        raise UsageError("The export's list of participants is empty; name at least one, or leave it out for all.")
    if len(ids := sorted({*asked})) > MOST:
        raise UsageError(f"An export of a selection has at most {MOST} participants; leave the option out for all.")
    return tuple(ids)


def id_ranges(ids: Iterable[int]) -> str:
    """Return the ids as `3, 5, 8-12`, a text that `parse` reads."""
    runs: list[list[int]] = []
    for each in sorted(ids):
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
