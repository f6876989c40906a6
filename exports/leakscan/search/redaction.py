"""Names that a report may show: columns, keys and paths without the values that are looked for."""

from .matcher import Hit, Matcher
from .views import search

HIDDEN = "(hidden)"
_LONGEST = 300
# A part of a path ends at a slash or a dot: P01.csv is seen as P01.
_PARTS = bytes.maketrans(b"/\\.", b"\n\n\n")


def safe(text: str, matcher: Matcher) -> str:
    """Return the text, or `(hidden)` if it holds a value that is looked for."""
    return HIDDEN if hits_in_name(text, matcher) else text[:_LONGEST]


def hits_in_name(name: str, matcher: Matcher) -> list[Hit]:
    """Return hits in the name of a file, a folder, a column or a key."""
    data = name.encode("utf-8", "surrogateescape")
    hits = {(hit.needle, hit.end): hit for hit in search(data, matcher)}
    for hit in search(data.translate(_PARTS), matcher):
        hits.setdefault((hit.needle, hit.end), hit)
    return list(hits.values())


def path(name: str, hits: list[Hit], parent: str = "") -> str:
    """Return the path below `parent`, with each part hidden that a hit touches."""
    parts, place = [], 0
    for part in name.split("/"):
        end = place + len(part.encode("utf-8", "surrogateescape"))
        touched = any(hit.start < end and hit.end > place for hit in hits)
        parts.append(HIDDEN if touched else part)
        place = end + 1
    shown = "/".join(parts).rstrip("/")[-_LONGEST:]
    return f"{parent}/{shown}" if parent else shown
