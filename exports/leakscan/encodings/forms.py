"""The byte patterns and hashes by which one value can be recognised."""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator

from . import decoding

# Longer values are recognised by their last 4 KiB: the overlap of blocks follows the longest pattern.
LONGEST = 4096

ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def patterns(value: str) -> set[bytes]:
    """Lower-case byte patterns of a value: UTF-8, Latin-1 and what UTF-16 leaves when zero bytes are dropped.

    Quotes also as CSV doubles them. Percent, HTML, JSON and base64 need none of their own: the data are decoded (see
    `decode`, `views`).
    """
    if value.isascii() and value.isalnum():
        return {value.lower().encode()[-LONGEST:]}  # nothing in it is ever written in another way
    found: set[bytes] = set()
    # What is left of a text that is all quotes or entities would be found everywhere.
    least = min(6, len(value.encode("utf-8", "replace")))
    for text in _spellings(value):
        for encoding in ("utf-8",) if text.isascii() else ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            try:
                encoded = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            raw = encoded.replace(b"\0", b"").lower()
            found.update(text[-LONGEST:] for text in (raw, raw.replace(b'"', b'""'), decoding.canonical(raw)))
    return {
        pattern for pattern in found if len(pattern) >= least or pattern == value.lower().encode("utf-8", "replace")
    }


def hashes(value: str) -> Iterator[tuple[str, int, str]]:
    """(algorithm, variant, hex digest) of the value as given, and in lower case where that differs."""
    for variant, text in enumerate(dict.fromkeys((value, value.lower()))):
        data = text.encode("utf-8", "replace")
        for algorithm in ALGORITHMS:
            yield algorithm, variant, hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def _spellings(value: str) -> set[str]:
    texts = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    if _UUID.fullmatch(value):
        texts.add(value.replace("-", ""))
    if " " in value and len(value) <= 100:
        texts.add(value.replace(" ", "+"))
    return set(itertools.chain.from_iterable(_cases(text) for text in texts))


def _cases(text: str) -> set[str]:
    """ASCII case is settled by lower-casing the data; other letters in both cases, each by itself up to three."""
    if text.isascii():
        return {text}
    foreign = [index for index, char in enumerate(text) if not char.isascii() and char.lower() != char.upper()]
    if not 0 < len(foreign) <= 3:
        return {text, text.lower(), text.upper()}
    found = {text, text.lower(), text.upper()}
    for choice in itertools.product((str.lower, str.upper), repeat=len(foreign)):
        chars = list(text)
        for index, case in zip(foreign, choice, strict=True):
            chars[index] = case(chars[index])
        found.add("".join(chars))
    return found
