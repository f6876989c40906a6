"""Every reading of a buffer that may show an identifier: unchanged, decoded, as UTF-16, base64, hexadecimal."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, compress

from exports.leakscan.encodings import base64_runs, decoding, hex_runs, packed, skeleton
from exports.leakscan.encodings.decoding import Decoded

from .matcher import Hit, Matcher

_DEEPEST = 3

# In text, also in UTF-16, three quarters of the bytes are among these; in other data hardly more than a third.
_PRINTABLE = bytes(c for c in range(127) if c in b"\0\t\n\r" or c >= 32)


def search(buffer: bytes, matcher: Matcher, depth: int = 0) -> Iterator[Hit]:
    """Yield every hit once, with its position in `buffer` and the form in which it was found."""
    seen: set[tuple[int, int]] = set()
    for hit in _readings(buffer, matcher, depth):
        key = (hit.needle, hit.end)
        if key not in seen:
            seen.add(key)
            yield hit


def _readings(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    yield from _text(buffer, matcher, depth)
    for start, end in matcher.utf16.find(buffer):
        for hit in _squeezed(buffer[start:end], matcher, depth):
            yield replace(hit, start=start + hit.start, end=start + hit.end)


def _squeezed(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    """Search UTF-16 without its zero bytes."""
    where: list[int] = []
    for hit in _text(buffer.translate(None, b"\0"), matcher, depth):
        where = where or list(compress(range(len(buffer)), buffer))
        form = "utf-16" if hit.form == "plain" else hit.form
        yield replace(hit, start=where[hit.start], end=where[hit.end - 1] + 1, form=form)


def _text(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    lowered = buffer.lower()
    for hit in matcher.hits(lowered, buffer):
        yield replace(hit, form="csv") if b'""' in lowered[hit.start : hit.end] else hit
    yield from matcher.hashed(lowered)
    rounds = decoding.rounds(lowered, quotes=matcher.has_quotes and b'""""' in lowered)
    for view in rounds:
        for hit in matcher.hits(view.data):
            yield _original(hit, view, lowered)
    for view in _beside([Decoded(lowered), *rounds]) if decoding.is_text(lowered) else ():
        for hit in matcher.hits(view.data):
            if view.is_new(hit.start, hit.end):
                yield _original(hit, view, lowered)
    if depth < _DEEPEST:
        yield from _base64(buffer, matcher, depth)
        yield from _hexadecimal(buffer, matcher, depth)


def _original(hit: Hit, view: Decoded, lowered: bytes) -> Hit:
    start, end = view.origin(hit.start, hit.end)
    return replace(hit, start=start, end=end, form=decoding.form(lowered[start:end]))


def _beside(rounds: list[Decoded]) -> Iterator[Decoded]:
    """Yield what each round also reads like: without quoted-printable, and the skeletons of both."""
    for seen in rounds:
        unquoted = decoding.unquoted(seen)
        if unquoted:
            yield unquoted
        for each in (seen, unquoted):
            if each and (plain := skeleton.view(each)):
                yield plain


def _base64(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    if decoding.is_text(buffer) and (view := base64_runs.with_plain_signs(buffer)):
        for hit in _base64(view.data, matcher, depth):
            start, end = view.origin(hit.start, hit.end)
            yield replace(hit, start=start, end=end)
    runs = matcher.base64.find(buffer) if matcher.base64 else []
    yield from _whole_runs(runs, matcher, depth)
    yield from _any_alignment(runs, matcher)
    for start, run in runs:
        data = base64_runs.decode(base64_runs.standard(run)).rstrip(b"\0")
        for hit in _utf16_only(data, matcher):
            yield _placed(hit, 0, start)
        for piece in packed.contents(data):
            for hit in search(piece, matcher, depth + 1):
                yield Hit(hit.needle, start, start + len(run), "base64+packed")


def _utf16_only(data: bytes, matcher: Matcher) -> Iterator[Hit]:
    """Search UTF-16 of letters other than ASCII, which does not look like text."""
    if b"\0" in data and len(data.translate(None, _PRINTABLE)) * 4 > len(data):
        where = list(compress(range(len(data)), data))
        squeezed = data.translate(None, b"\0")
        for hit in matcher.hits(squeezed.lower(), squeezed):
            yield Hit(hit.needle, where[hit.start], where[hit.end - 1] + 1, "utf-16")


def _hexadecimal(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    """Search what runs of hexadecimal digits decode to, from their first and from their second digit."""
    together, places, firsts = bytearray(), [], []
    for start, end in hex_runs.find(buffer):
        for first in (start, start + 1):
            text = hex_runs.decode(buffer[first:end])
            if len(text.translate(None, _PRINTABLE)) * 4 <= len(text):
                for hit in search(text, matcher, depth + 1):
                    yield Hit(hit.needle, first + 2 * hit.start, first + 2 * hit.end, "hex")
                continue
            places.append(len(together))
            firsts.append(first)
            together += text + b"\n"
    for hit in matcher.hits(bytes(together).lower(), bytes(together)) if together else ():
        at = bisect_right(places, hit.start) - 1
        start = firsts[at] - 2 * places[at]
        yield Hit(hit.needle, start + 2 * hit.start, start + 2 * hit.end, "hex")


def _whole_runs(runs: list[tuple[int, bytes]], matcher: Matcher, depth: int) -> Iterator[Hit]:
    """Search runs that are text when decoded from their beginning: that text is searched in every form."""
    texts, places, starts = bytearray(), [], []
    for start, run in runs:
        text = base64_runs.decode(base64_runs.standard(run))
        if len(text.translate(None, _PRINTABLE)) * 4 <= len(text):
            places.append(len(texts))
            starts.append(start)
            texts += text + b"\n"
    for hit in search(bytes(texts), matcher, depth + 1) if texts else ():
        index = bisect_right(places, hit.start) - 1
        yield _placed(hit, places[index], starts[index])


def _any_alignment(runs: list[tuple[int, bytes]], matcher: Matcher) -> Iterator[Hit]:
    """Search all runs at once, at each of the four positions where a group of base64 may begin."""
    places = list(accumulate((len(run) + 1 for _, run in runs), initial=0))
    standard = base64_runs.standard(b"\n".join(run for _, run in runs))
    for phase in range(4) if runs else ():
        text = base64_runs.decode(standard[phase:])
        for hit in matcher.hits(text.lower(), text):
            index = bisect_right(places, phase + hit.start * 8 // 6) - 1
            yield _placed(hit, 0, runs[index][0] - places[index] + phase)


def _placed(hit: Hit, text: int, run: int) -> Hit:
    """Return the hit with its position in the buffer: its text begins at `text`, the base64 of that text at `run`."""
    start = run + (hit.start - text) * 8 // 6
    end = run + ((hit.end - text - 1) * 8 + 7) // 6 + 1
    return Hit(hit.needle, start, end, "base64" if hit.form in ("plain", "base64") else f"base64+{hit.form}")
