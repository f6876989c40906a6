"""What a character means however it is written: full-width letters, accents, invisible characters, dashes, spaces.

Compared are skeletons: of the data, and of the needles. In scripts where these characters are the letters themselves
(Cyrillic, Hebrew, Thai, Chinese and others), a letter is its own skeleton: text in these scripts costs nothing.
"""

import unicodedata

from .decoding import Decoded, Step, view_after

_DASHES = "‐‑‒–—―−﹘﹣－"
_QUOTES = "‘’ʼ＇"
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc"
# By the first byte in UTF-8, without U+0400–047F, U+05C0–063F, U+0800–0FFF, U+3040–30FF and U+4000–DFFF; of the planes
# 1 and 14.
_CHARACTER = rb"[\xc2-\xcf\xd2-\xd6\xd9-\xdf\xe1-\xe3\xee\xef\xf0\xf3](?!(?<=\xe3)[\x81-\x83])[\x80-\xbf]+"


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


def of_value(value: str) -> set[bytes]:
    """Return the skeletons of a value, composed and decomposed, in its own case and in others."""
    composed = (unicodedata.normalize(form, value) for form in ("NFC", "NFD"))
    cases = {case for text in composed for case in (text, text.lower(), text.upper())}
    return {_STEP.apply(text.encode("utf-8", "replace").lower()) for text in cases}


def view(seen: Decoded) -> Decoded | None:
    """Return a lower-case view after this step; None if it changes nothing."""
    return None if seen.data.isascii() else view_after(seen, _STEP)
