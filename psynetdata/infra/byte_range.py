"""Parses an HTTP request for one range of a file (RFC 9110, 14)."""

import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def asked(header: str, size: int) -> tuple[int, int] | None:
    """Return (start, stop) of the range that a Range header asks for; None means the whole file.

    The range is empty if it is not satisfiable. For several ranges, or an invalid header, the answer is the whole file,
    as the RFC allows.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(1, 2) == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = int(last)
        return (max(0, size - length), size) if length else (0, 0)
    if last and int(last) < int(first):
        return None
    stop = min(size, int(last) + 1) if last else size
    return (int(first), stop) if int(first) < size else (0, 0)
