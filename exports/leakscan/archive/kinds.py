"""Kinds of files that are not text: which of them hold more than a search of their bytes can see."""

from collections import Counter

TEXT, WHOLE, PART, UNKNOWN = "text", "whole", "part", "unknown"

_SAMPLE = 4096
_LEAST_DENSE = 512
# Pearson's statistic of 256 values: about 255 for random bytes, up to 600 for packed ones, thousands for anything else.
_DENSE = 600

# Not searched: what is said in pixels or sound, in the numbers of a PDF's fonts, in tables packed in their own way.
_SEEN_IN_PART = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF8", "gif"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (6, b"\0\0\0\0", "bmp"),  # after BM and a size
    (0, b"8BPS", "psd"),
    (0, b"\0\0\1\0", "ico"),
    (0, b"\0\0\0\x0cjP  ", "jpeg2000"),
    (0, b"\0\0\0\x0cJXL ", "jpegxl"),
    (0, b"\xff\x0a", "jpegxl"),
    (0, b"\x76\x2f\x31\x01", "exr"),
    (0, b"gimp xcf", "xcf"),
    (0, b"AT&TFORM", "djvu"),
    (8, b"WEBP", "webp"),
    (8, b"WAVE", "wav"),
    (8, b"AVI ", "avi"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"ID3", "mp3"),
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"caff", "caf"),
    (0, b".snd", "au"),
    (0, b"#!AMR", "amr"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"FLV\1", "flv"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (0, b"\0\0\1\xba", "mpeg"),
    (0, b"\0\0\1\xb3", "mpeg"),
    (0, b"%PDF-", "pdf"),
    (0, b"%!PS", "postscript"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"CDF\1", "netcdf"),
    (0, b"CDF\2", "netcdf"),
    (0, b"MATLAB 7.3 MAT-file", "hdf5"),
    (0, b"MATLAB 5.0 MAT-file", "mat"),
    (0, b"$FL2", "spss"),
    (0, b"$FL3", "spss"),
    (12, b"\xc2\xea\x81\x60\xb3\x14\x11\xcf", "sas"),
    (128, b"DICM", "dicom"),
    (0, b"CWS", "flash"),
    (0, b"wOFF", "font"),
    (0, b"wOF2", "font"),
)
# Their bytes are what they say, parts that zlib packed included.
_SEEN_WHOLE = (
    *(b"\x93NUMPY", b"SQLite format 3\0", b"X\n\0\0\0", b"RDX3\n", b"RDX2\n", b"\0\1\0\0\0", b"OTTO", b"MThd"),
    *(b"bplist00", b"!<arch>\n", b"070701"),
)
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_MEDIA_NAMES = (
    *(".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".heic", ".avif", ".tif", ".tiff", ".wav", ".mp3", ".ogg"),
    *(".oga", ".opus", ".flac", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".mp4", ".m4v", ".mov", ".webm", ".mkv"),
    *(".avi", ".mpg", ".mpeg", ".ogv", ".3gp"),
)
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\b\x1b")
_CONTROL_OR_ZERO = bytes(c for c in _CONTROL if c)


def kind_of(head: bytes) -> str:
    """Return TEXT, WHOLE for a format whose bytes are seen whole, the name of one that is seen in part, or UNKNOWN.

    PART is for what a file of a format that is seen in part consists of: that file is listed, not each of its parts.
    """
    for offset, magic, kind in _SEEN_IN_PART:
        if head.startswith(magic, offset) and (kind != "bmp" or head.startswith(b"BM")):
            return kind
    if _is_mpeg_audio(head):
        return "mp3"
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(_PICKLES) or any(head.startswith(magic) for magic in _SEEN_WHOLE):
        return WHOLE
    return TEXT if is_text(head) else UNKNOWN


def is_seen_in_part(kind: str) -> bool:
    """Return whether a file of this kind can hold what a search of its bytes does not see."""
    return kind not in (TEXT, WHOLE, PART)


def _is_mpeg_audio(head: bytes) -> bool:
    """Return whether it begins with the header of a frame (ISO 11172-3): MPEG, layers 1 to 3, or AAC (ADTS)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or head[1] in (0xFE, 0xFF):
        return False
    return head[1] & 0xF6 == 0xF0 or (head[1] & 0x06 != 0 and head[2] >> 4 != 15 and head[2] & 0x0C != 0x0C)


def is_text(sample: bytes) -> bool:
    """Return whether hardly any byte is one that does not occur in text, also in text of two or four bytes a letter."""
    if not sample:
        return True
    zeros = sample.count(0)
    if zeros * 5 > len(sample) and len(sample) >= 8:
        letters = sample.translate(None, b"\0")
        wide = zeros * 3 < len(sample) * 2 or zeros * 10 > len(sample) * 7
        return wide and bool(letters) and len(letters.translate(None, _CONTROL_OR_ZERO)) >= 0.99 * len(letters)
    return len(sample.translate(None, _CONTROL)) >= 0.99 * len(sample)


def is_dense(sample: bytes) -> bool:
    """Return whether the bytes are as even as packed or encrypted ones."""
    size = len(sample)
    if size < _LEAST_DENSE:
        return False
    return sum(count * count for count in Counter(sample).values()) * 256 / size - size < _DENSE


def is_named_as_media(name: str) -> bool:
    """Return whether a file's name is that of a picture, a recording or a video."""
    return name.lower().endswith(_MEDIA_NAMES)


class Samples:
    """What a stretch of bytes looks like, from samples at the beginning, in the middle and at the end of each block."""

    def __init__(self) -> None:
        self._at = 0
        self.is_binary = False
        self._dense: list[int] = []

    def feed(self, block: bytes) -> None:
        """Take the next block."""
        for start in sorted({0, max(0, len(block) - _SAMPLE) // 2, max(0, len(block) - _SAMPLE)}):
            sample = block[start : start + _SAMPLE]
            if not is_text(sample):
                self.is_binary = True
                if is_dense(sample):
                    self._dense.append(self._at + start + len(sample) // 2)
        self._at += len(block)

    def is_dense_outside(self, spans: list[tuple[int, int]]) -> bool:
        """Return whether bytes outside the given spans look packed or encrypted."""
        return any(not any(start <= at < end for start, end in spans) for at in self._dense)
