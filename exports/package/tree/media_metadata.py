"""Remove what cameras and recorders wrote next to the picture or sound from participants' files: EXIF, comments, tags.

This is own code that walks over chunks, because nothing is decoded and files otherwise stay the same, byte for byte:
JPEG (ITU T.81, Exif 2.3), PNG (W3C), WAV (RIFF), MP3 (ID3v1, ID3v2, APE). Each function yields the spans that stay.
"""

import mmap
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from psynetdata.psynet.csvtext import BLOCK
from psynetdata.psynet.problems import Damaged

ByteRange = bytes | tuple[int, int]  # bytes to write, or a span to copy from the file: [start, end)

# Application segments of a JPEG that stay: JFIF, ICC profile, Adobe's colours.
_JPEG_STAYS = {0xE0: b"", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_PNG_STAYS = frozenset(
    b"IHDR PLTE IDAT IEND gAMA cHRM sRGB iCCP cICP bKGD pHYs sBIT sPLT hIST tRNS acTL fcTL fdAT".split()
)
_WAV_STAYS = frozenset((b"fmt ", b"fact", b"data", b"cue ", b"smpl"))
_UNKNOWN_LENGTH = (0, 0xFFFFFFFF)  # in a header that was written while the data was still being recorded


def strip(path: Path, to: Path) -> str:
    """Write the file without its metadata. Return the format's name, or "" and write nothing if it is none of these.

    Raises Damaged for a file that begins like one of them but cannot be read to its end.
    """
    with path.open("rb") as file:
        if not file.read(1):
            return ""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            name, walk = _format(data[:16])
            if walk is None:
                return ""
            try:
                pieces = list(walk(data))
            except (IndexError, struct.error):
                raise Damaged(f"A {name} file is damaged: its parts do not fit together.") from None
            to.parent.mkdir(parents=True, exist_ok=True)
            with to.open("wb") as out:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        out.write(piece)
                        continue
                    for start in range(piece[0], piece[1], BLOCK):
                        out.write(data[start : min(start + BLOCK, piece[1])])
    return name


def _format(head: bytes) -> tuple[str, Callable[[mmap.mmap], Iterator[ByteRange]] | None]:
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG", _jpeg
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", _png
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "WAV", _wav
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "MP3", _mp3
    return "", None


def _jpeg(data: mmap.mmap) -> Iterator[ByteRange]:
    yield 0, 2
    at = 2
    while True:
        while data[at + 1] == 0xFF:  # padding
            at += 1
        if data[at] != 0xFF:
            raise IndexError
        marker = data[at + 1]
        if marker == 0xD9:
            yield at, at + 2  # anything after it does not belong to the picture
            return
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if end > len(data):
            raise IndexError
        if marker == 0xDA:
            end = _scan_end(data, end)
        if marker == 0xE1:
            yield _orientation(data[at + 4 : end])
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE) or (
            marker in _JPEG_STAYS and data[at + 4 : end].startswith(_JPEG_STAYS[marker])
        ):
            yield at, end
        at = end


def _scan_end(data: mmap.mmap, at: int) -> int:
    """Return where compressed data ends: at the next marker that is not a restart marker."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _orientation(exif: bytes) -> bytes:
    """Return an EXIF segment with the orientation and nothing else; empty if the orientation is the usual one."""
    if not exif.startswith(b"Exif\0\0") or exif[6:8] not in (b"II", b"MM"):
        return b""
    tiff, order = exif[6:], "<" if exif[6:8] == b"II" else ">"
    at = struct.unpack(f"{order}I", tiff[4:8])[0]
    for number in range(struct.unpack(f"{order}H", tiff[at : at + 2])[0]):
        entry = tiff[at + 2 + 12 * number : at + 14 + 12 * number]
        tag, kind, count, value = struct.unpack(f"{order}HHIH", entry[:10])
        if (tag, kind, count) == (0x0112, 3, 1) and 2 <= value <= 8:
            data = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)
            return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    return b""


def _png(data: mmap.mmap) -> Iterator[ByteRange]:
    yield 0, 8
    at, kind = 8, b""
    while kind != b"IEND":
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + size
        if end > len(data):
            raise IndexError
        if kind in _PNG_STAYS:
            yield at, end
        at = end


def _wav(data: mmap.mmap) -> Iterator[ByteRange]:
    kept: list[ByteRange] = []
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        if kind == b"data" and (size in _UNKNOWN_LENGTH or at + 8 + size > len(data)):
            size = len(data) - at - 8
        end = min(at + 8 + size + size % 2, len(data))
        if kind in _WAV_STAYS:
            kept.append((at, end))
        elif at + 8 + size > len(data):
            raise IndexError
        at = end
    if not kept:
        raise IndexError
    total = sum(end - start for start, end in kept) + 4
    yield b"RIFF" + struct.pack("<I", min(total, 0xFFFFFFFF)) + b"WAVE"
    yield from kept


def _mp3(data: mmap.mmap) -> Iterator[ByteRange]:
    start, end = 0, len(data)
    while data[start : start + 3] == b"ID3":
        a, b, c, d = data[start + 6 : start + 10]
        footer = 10 if data[start + 5] & 0x10 else 0
        start += 10 + (a << 21 | b << 14 | c << 7 | d) + footer
    if end - start >= 128 and data[end - 128 : end - 125] == b"TAG":
        end -= 128
    if end - start >= 32 and data[end - 32 : end - 24] == b"APETAGEX":
        size, _, flags = struct.unpack("<III", data[end - 20 : end - 8])
        end -= size + (32 if flags >> 31 else 0)
    if start >= end:
        raise IndexError
    yield start, end
