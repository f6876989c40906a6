"""Identifiers that an experimenter hashed to be on the safe side: MD5, SHA-1 and SHA-256, in hexadecimal."""

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_ALGORITHMS = (hashlib.md5, hashlib.sha1, hashlib.sha256)
# This many characters are enough to distinguish a digest from all others.
_HEXADECIMALS = 16


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

    def value_of(self, digest: str) -> str | None:
        """Return the value with this digest (hexadecimal, any case), or None."""
        start = _start(digest)
        at = bisect_left(self._starts, start)
        if at == len(self._starts) or self._starts[at] != start:
            return None
        return self._values[self._places[at]]


def _start(digest: str) -> int:
    return int(digest[:_HEXADECIMALS], 16)
