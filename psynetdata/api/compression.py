"""Compresses responses with gzip, block by block, for clients that request it."""

from collections.abc import Iterator

from isal import isal_zlib
from rest_framework.request import Request

_GZIP = 31  # the window of 15 bits, with gzip's header and trailer
_LEVEL = 1


def wanted(request: Request) -> bool:
    """Return whether Accept-Encoding allows gzip (RFC 9110, 12.5.3); binary formats are compressed already."""
    if request.accepted_renderer.sheet_format.content == "binary":
        return False
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield compressed blocks. The first block is sent immediately, so that a client sees the beginning early."""
    packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
    first = True
    try:
        for block in blocks:
            data = packer.compress(block) + (packer.flush(isal_zlib.Z_SYNC_FLUSH) if first else b"")
            first = False
            if data:
                yield data
        yield packer.flush()
    finally:
        close = getattr(blocks, "close", None)
        if close:
            close()


def packed_etag(etag: str) -> str:
    return f'{etag[:-1]}-gzip"'
