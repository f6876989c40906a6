"""The byte patterns and hashes by which a value can be recognized."""

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterator

from . import decoding

# Longer values are recognized by their last 4 KiB: the overlap of blocks depends on the longest pattern.
LONGEST = 4096

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
# So many digits of a hash are enough to recognize it.
LEAST_OF_HASH = 16
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def patterns(value: str) -> set[bytes]:
    """Return lower-case byte patterns of a value: UTF-8, Latin-1, and UTF-16 without its zero bytes.

    Quotes are also doubled as in CSV. Percent, HTML, JSON and base64 need no patterns of their own: the data are
    decoded (see `decoding`, `views`).
    """
    if value.isascii() and value.isalnum():
        return {value.lower().encode()[-LONGEST:]}  # no part of it is ever written in another way
    spelled: set[bytes] = set()
    # The rest of a text that consists of quotes or entities would be found everywhere.
    least = min(6, len(value.encode("utf-8", "replace")))
    for text in _spellings(value):
        for encoding in ("utf-8",) if text.isascii() else ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            try:
                encoded = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            raw = encoded.replace(b"\0", b"").lower()
            spelled.update(text[-LONGEST:] for text in (raw, raw.replace(b'"', b'""'), decoding.canonical(raw)))
    return {
        pattern for pattern in spelled if len(pattern) >= least or pattern == value.lower().encode("utf-8", "replace")
    }


def hashes(value: str) -> Iterator[tuple[str, int, str]]:
    """Yield (algorithm, variant, hex digest) of the value as given, and in lower case if that differs."""
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
    """Return the text in all cases. The data are in lower case for ASCII; up to three other letters vary each."""
    if text.isascii():
        return {text}
    foreign = [index for index, char in enumerate(text) if not char.isascii() and char.lower() != char.upper()]
    if not 0 < len(foreign) <= 3:
        return {text, text.lower(), text.upper()}
    cases = {text, text.lower(), text.upper()}
    for choice in itertools.product((str.lower, str.upper), repeat=len(foreign)):
        chars = list(text)
        for index, case in zip(foreign, choice, strict=True):
            chars[index] = case(chars[index])
        cases.add("".join(chars))
    return cases
