"""Text that was packed with gzip or zlib before it was encoded (RFC 1952, RFC 1950)."""

import zlib
from collections.abc import Iterator

_PIECE = 1 << 20
# Pieces overlap by more than the longest pattern.
_OVERLAP = 1 << 14
# Packed data that grows beyond this is not text that someone stored in a cell.
_LARGEST = 1 << 26


def contents(data: bytes) -> Iterator[bytes]:
    """Yield what is packed, in pieces that overlap; nothing if the data is not packed. Damaged data ends early."""
    if data[:2] != b"\x1f\x8b" and (data[:1] != b"\x78" or (data[0] * 256 + data[1] if len(data) > 1 else 1) % 31):
        return
    unpacking, rest, before, size = zlib.decompressobj(wbits=47), data, b"", 0
    while rest and not unpacking.eof and size < _LARGEST:
        try:
            piece = unpacking.decompress(rest, _PIECE)
        except zlib.error:
            return
        rest, size = unpacking.unconsumed_tail, size + len(piece)
        yield before + piece
        before = piece[-_OVERLAP:]
