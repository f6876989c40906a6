"""The bytes of a zip or tar file that belong to no member: headers, comments, extra fields, anything in between."""

import zipfile
from collections.abc import Iterator
from typing import IO

from .formats import BLOCK, Unreadable

_LOCAL_HEADER = 30


def member_spans(file: IO[bytes], members: list[zipfile.ZipInfo]) -> list[tuple[int, int]]:
    """Return [start, end) of each member's data. Raises Unreadable if members overlap."""
    spans = sorted(_data(file, info) for info in members)
    place = 0
    for start, end in spans:
        if start < place and end > start:
            raise Unreadable("a zip whose members overlap")
        place = max(place, end)
    return spans


def gaps(file: IO[bytes], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return [start, end) of each stretch of the file outside the spans, which are sorted."""
    end_of_file = file.seek(0, 2)
    outside, place = [], 0
    for start, end in spans:
        if start > place:
            outside.append((place, start))
        place = max(place, end)
    return [*outside, (place, end_of_file)] if place < end_of_file else outside


def read(file: IO[bytes], gap: tuple[int, int]) -> Iterator[bytes]:
    """Yield the bytes of a gap, in blocks."""
    place, end = gap
    while place < end:
        file.seek(place)
        block = file.read(min(BLOCK, end - place))
        if not block:
            return
        place += len(block)
        yield block


def _data(file: IO[bytes], info: zipfile.ZipInfo) -> tuple[int, int]:
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER:
        raise Unreadable("a zip that is cut short")
    # PKWARE APPNOTE 4.3.7: lengths of the file name and of the extra field.
    start = info.header_offset + _LOCAL_HEADER + int.from_bytes(header[26:28], "little")
    start += int.from_bytes(header[28:30], "little")
    return start, start + info.compress_size
