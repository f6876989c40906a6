"""What a character means however it is written: full-width letters, accents, invisible characters, dashes, spaces.

Compared are skeletons: of the data, and of the needles. Chinese, Japanese and Korean letters are their own skeleton, so
that text in these scripts costs nothing.
"""

import unicodedata

from .decoding import Decoded, Step, view_after

_DASHES = "‐‑‒–—―−﹘﹣－"
_QUOTES = "‘’ʼ＇"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc"
# Characters of two bytes, of three below U+4000 and above U+E000, and of four in planes 1 and 14.
_CHARACTER = rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xe3\xee\xef][\x80-\xbf]{2}|[\xf0\xf3][\x80-\xbf]{3}"


def _meaning(written: bytes) -> bytes:
    try:
        character = written.decode("utf-8")
    except UnicodeDecodeError:
        return written
    text = ""
    for part in unicodedata.normalize("NFKD", character):
        if part in _DASHES:
            text += "-"
        elif part in _QUOTES:
            text += "'"
        elif unicodedata.category(part)[0] == "Z":
            text += " "
        elif part not in _INVISIBLE and unicodedata.category(part) not in ("Mn", "Me", "Cf"):
            text += part
    return text.lower().replace("ς", "σ").encode("utf-8", "replace")


_STEP = Step(b"", _CHARACTER, lambda match: _meaning(match[0]))


def plain(value: str) -> bytes:
    """Return the skeleton of a value, in lower case."""
    return _STEP.apply(value.lower().encode("utf-8", "replace"))


def view(seen: Decoded) -> Decoded | None:
    """Return a lower-case view after this step; None if it changes nothing."""
    return None if seen.data.isascii() else view_after(seen, _STEP)
