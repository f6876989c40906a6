"""Search a stream block by block: memory depends on a block and the longest pattern."""

from collections.abc import Callable

from exports.leakscan.encodings.base64_runs import ALPHABET

from .location import HitLocation
from .matcher import GUARD, Hit, Matcher
from .views import search

BLOCK = 1 << 20
# What is packed inside base64 is read from its beginning: a run that goes on in the next block is kept if shorter.
_LONGEST_RUN = 1 << 18


class BlockSearch:
    """Feed blocks, then close. `report(hit, place)` is called once for each hit.

    The first `settled` bytes belong to another part: a hit that ends in them is reported there.
    """

    def __init__(self, matcher: Matcher, place: HitLocation, report: Callable[[Hit, str], None], *, settled: int = 0):
        self._matcher = matcher
        self._place = place
        self._found = report
        self._overlap = matcher.reach
        self._kept = b""
        self._next: tuple[bytes | None, bytes] = (None, b"")  # the block that is fed next, and the buffer with it
        self._settled = settled  # hits that end at or before this offset of the buffer were reported

    def feed(self, block: bytes) -> None:
        buffer = self.buffer_with(block)
        self._next = (None, b"")
        limit = len(buffer) - GUARD
        if limit <= self._settled:
            self._kept = buffer
            return
        self._report(buffer, limit)
        cut = max(0, min(limit - self._overlap, _begun(buffer, limit)))
        self._place.drop(buffer[:cut])
        self._kept = buffer[cut:]
        self._settled = limit - cut

    def buffer_with(self, block: bytes) -> bytes:
        """Return the kept bytes and a block that will be fed next."""
        if self._next[0] is not block:
            self._next = block, self._kept + block
        return self._next[1]

    def describe_next(self, block: bytes, shift: int, offset: int) -> str:
        """Return the place of an offset, counted from `shift`, in a block that will be fed next."""
        start = max(0, len(self._kept) + shift + offset)
        return self._place.describe(self.buffer_with(block), start, start + 1)

    def close(self, *, beyond: int = 0) -> None:
        """Search the rest.

        The last `beyond` bytes, at most GUARD, were only fed as context for the bytes before them.
        """
        self._report(self._kept, len(self._kept) - beyond)

    def _report(self, buffer: bytes, limit: int) -> None:
        for hit in search(buffer, self._matcher, is_json=self._place.is_json):
            if self._settled < hit.end <= limit:
                self._found(hit, self._place.describe(buffer, hit.start, hit.end))


def _begun(buffer: bytes, limit: int) -> int:
    """Return where the run of base64 letters begins that goes on at `limit`, if it is not too long; else `limit`."""
    tail = buffer[max(0, limit - _LONGEST_RUN) : limit]
    begun = len(tail.rstrip(ALPHABET))
    return limit if not begun and len(tail) == _LONGEST_RUN else limit - len(tail) + begun
