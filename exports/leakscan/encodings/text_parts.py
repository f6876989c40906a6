"""Files that are written inside text: base64 of a `data:` URL, uuencode, packed data in hexadecimal digits.

All are decoded while a member is read, whatever their length. Each has the methods of `packed.PackedStream`.
"""

import binascii
import codecs
import re
import tempfile
from collections.abc import Callable
from typing import IO

_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]+|\\/|%2[BbFf]|\r?\n(?=[A-Za-z0-9+/_-])|(?:\\r)?\\n(?=[A-Za-z0-9+/_-]))*")
_NOT_BASE64 = re.compile(rb"\\/|%2[Ff]|%2[Bb]|\\r|\\n|[\r\n]")
_MEANT = {b"\\/": b"/", b"%2f": b"/", b"%2b": b"+"}
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_UU_BEGIN = re.compile(rb"begin [0-7]{3,4} [^\r\n]{1,200}\r?\n")
_UU_LINE = re.compile(rb"[ -`]{1,62}\Z")
_IN_MEMORY = 8 << 20

_BASE64 = b"base64,"
# gzip, zip and bzip2; zlib as PostgreSQL writes `bytea`.
_HEX = tuple(sign for digits in (b"1f8b08", b"504b0304", b"425a68") for sign in (digits, digits.upper()))
_BYTEA = (b"\\x7801", b"\\x785e", b"\\x789c", b"\\x78da")
_DIGITS = re.compile(rb"[0-9A-Fa-f]*")
SIGNS = (_BASE64, b"begin 6", b"begin 7", *_HEX, *_BYTEA)


class _TextPart:
    def __init__(self, spend: Callable[[int], None] | None):
        self._content = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the reader closes it
        self._spend = spend
        self.is_over = False
        self.packed_size = 0
        self.size = 0

    @property
    def is_whole(self) -> bool:
        """Whatever was decoded is a part: text in it has no end of its own."""
        return self.size > 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take more text."""
        raise NotImplementedError

    def content(self) -> IO[bytes]:
        """Return what was decoded."""
        self._content.seek(0)
        return self._content

    def _keep(self, decoded: bytes) -> None:
        if self._spend:
            self._spend(len(decoded))
        self._content.write(decoded)
        self.size += len(decoded)


class Base64Part(_TextPart):
    """Base64 up to the first character that is none, in lines or not; `/` and `+` may be escaped.

    Text in base64 is not a part: it is found without this (`search.views`).
    """

    def __init__(self, spend: Callable[[int], None] | None = None):
        super().__init__(spend)
        self._kept = b""
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    @property
    def is_whole(self) -> bool:
        """Whether it is something other than text."""
        return self._decoder is None

    def _keep(self, decoded: bytes) -> None:
        super()._keep(decoded)
        try:
            if self._decoder:
                self._decoder.decode(decoded)
        except UnicodeDecodeError:
            self._decoder = None

    def feed(self, data: bytes | memoryview) -> None:
        """Take more text."""
        text = bytes(data)
        run = _RUN.match(text)
        end = run.end() if run else 0
        self.is_over = end < len(text)
        letters = self._kept + _NOT_BASE64.sub(lambda sign: _MEANT.get(sign[0].lower(), b""), text[:end])
        letters = letters.translate(_URL_SAFE)
        whole = len(letters) // 4 * 4
        self._kept = letters[whole:]
        if self.is_over and len(self._kept) > 1:
            whole, letters, self._kept = len(letters) + 3, letters + b"AAA"[: 4 - len(self._kept)], b""
        self._keep(binascii.a2b_base64(letters[:whole]))


class HexPart(_TextPart):
    """Hexadecimal digits up to the first character that is none."""

    def __init__(self, spend: Callable[[int], None] | None = None):
        super().__init__(spend)
        self._kept = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take more text."""
        run = _DIGITS.match(data)
        digits = self._kept + (run[0] if run else b"")
        self.is_over = len(digits) - len(self._kept) < len(data)
        whole = len(digits) // 2 * 2
        self._kept = digits[whole:]
        self._keep(binascii.unhexlify(digits[:whole]))


class UuPart(_TextPart):
    """uuencode (POSIX), after its first line: lines up to `end` or to one that is not of this kind."""

    def __init__(self, spend: Callable[[int], None] | None = None):
        super().__init__(spend)
        self._kept = b""

    def feed(self, data: bytes | memoryview) -> None:
        """Take more text."""
        *lines, self._kept = (self._kept + bytes(data)).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if self.is_over or not _UU_LINE.match(line) or line == b"end":
                self.is_over = True
                return
            try:
                self._keep(binascii.a2b_uu(line))
            except binascii.Error:
                self.is_over = True
        self.is_over = self.is_over or len(self._kept) > 100


def part_at(buffer: bytes, place: int, spend: Callable[[int], None] | None = None) -> tuple[_TextPart, int] | None:
    """Return (the part that begins at a sign, where its text begins); None if there is none."""
    if buffer.startswith(_BASE64, place):
        return Base64Part(spend), place + len(_BASE64)
    if buffer.startswith(_HEX, place):
        return HexPart(spend), place
    if buffer.startswith(_BYTEA, place):
        return HexPart(spend), place + 2
    begin = _UU_BEGIN.match(buffer, place)
    return (UuPart(spend), begin.end()) if begin else None
