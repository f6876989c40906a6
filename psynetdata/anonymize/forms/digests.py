"""Identifiers that an experimenter hashed to be on the safe side: MD5, SHA-1, SHA-256 and SHA-512, in hexadecimal."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_ALGORITHMS = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
# This many characters are enough to distinguish a digest from all others: a shorter beginning of one is not looked for.
HEXADECIMALS = 16


def digests(value: str) -> Iterator[str]:
    """Yield the hexadecimal digests of a value, as given and in lower case."""
    for text in {value, value.lower()}:
        data = text.encode("utf-8", "surrogatepass")
        for algorithm in _ALGORITHMS:
            yield algorithm(data, usedforsecurity=False).hexdigest()


class Digests:
    """Finds the value that a digest belongs to. Uses 16 bytes for each digest, as every personal file has several."""

    def __init__(self, values: Iterable[str]):
        self._values = sorted(values)
        found = sorted((_start(each), at) for at, value in enumerate(self._values) for each in digests(value))
        self._starts = array("Q", (start for start, _ in found))
        self._places = array("Q", (at for _, at in found))

    def spans(self, run: str) -> list[tuple[int, int, str]]:
        """Return (start, end, value) of each digest, or beginning of one, in a run of hexadecimal digits."""
        spans = []
        for place in range(len(run) - HEXADECIMALS + 1):
            start = _start(run[place : place + HEXADECIMALS])
            at = bisect_left(self._starts, start)
            if at < len(self._starts) and self._starts[at] == start:
                value = self._values[self._places[at]]
                spans.append((place, place + _length(run[place:].lower(), value), value))
        return spans


def _length(run: str, value: str) -> int:
    """Return how many characters of the run are the beginning of one of the value's digests."""
    return max(_common(run, digest) for digest in digests(value))


def _common(run: str, digest: str) -> int:
    pairs = zip(run, digest, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(run), len(digest)))


def _start(digest: str) -> int:
    return int(digest[:HEXADECIMALS], 16)
