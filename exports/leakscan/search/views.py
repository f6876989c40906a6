"""Every reading of a buffer that may show an identifier: unchanged, decoded, as UTF-16, base64, hexadecimal."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, compress
from operator import itemgetter

from exports.leakscan.encodings import base64_runs, decoding, packed, skeleton
from exports.leakscan.encodings.decoding import Decoded
from exports.leakscan.encodings.hex_runs import HexRuns

from .matcher import Hit, Matcher

_DEEPEST = 3

# In text, also in UTF-16, three quarters of the bytes are among these; in other data hardly more than a third.
_PRINTABLE = bytes(c for c in range(127) if c in b"\0\t\n\r" or c >= 32)


def search(buffer: bytes, matcher: Matcher, depth: int = 0, *, is_json: bool = False) -> Iterator[Hit]:
    """Yield every hit once, with its position in `buffer` and the form in which it was found."""
    seen: set[tuple[int, int]] = set()
    for hit in _readings(buffer, matcher, depth, is_json):
        key = (hit.needle, hit.end)
        if key not in seen:
            seen.add(key)
            yield hit


def _readings(buffer: bytes, matcher: Matcher, depth: int, is_json: bool) -> Iterator[Hit]:
    yield from _text(buffer, matcher, depth, is_json)
    for start, end in matcher.utf16.find(buffer):
        for hit in _squeezed(buffer[start:end], matcher, depth, is_json):
            yield replace(hit, start=start + hit.start, end=start + hit.end)


def _squeezed(buffer: bytes, matcher: Matcher, depth: int, is_json: bool) -> Iterator[Hit]:
    """Search UTF-16 without its zero bytes."""
    where: list[int] = []
    for hit in _text(buffer.translate(None, b"\0"), matcher, depth, is_json):
        where = where or list(compress(range(len(buffer)), buffer))
        form = "utf-16" if hit.form == "plain" else hit.form
        yield replace(hit, start=where[hit.start], end=where[hit.end - 1] + 1, form=form)


def _text(buffer: bytes, matcher: Matcher, depth: int, is_json: bool) -> Iterator[Hit]:
    lowered = buffer.lower()
    for hit in matcher.hits(lowered, buffer, is_json=is_json):
        yield replace(hit, form="csv") if b'""' in lowered[hit.start : hit.end] else hit
    rounds = decoding.rounds(lowered, quotes=matcher.has_quotes and b'""""' in lowered)
    for view in rounds:
        for hit in matcher.hits(view.data):
            yield _original(hit, view, lowered)
    is_text = decoding.is_text(lowered)
    if is_text:
        yield from _read_otherwise(rounds[-1] if rounds else Decoded(lowered), matcher, lowered)
    runs = HexRuns(lowered)
    yield from matcher.hashed(lowered, runs)
    if depth < _DEEPEST:
        if is_text and (signed := base64_runs.with_plain_signs(buffer)):
            for hit in _base64(signed.data, matcher, depth):
                start, end = signed.origin(hit.start, hit.end)
                yield replace(hit, start=start, end=end)
        yield from _base64(buffer, matcher, depth)
        yield from _hexadecimal(runs, matcher, depth)


def _read_otherwise(decoded: Decoded, matcher: Matcher, lowered: bytes) -> Iterator[Hit]:
    for hit in matcher.grouped(decoded.data):
        yield _original(hit, decoded, lowered)
    for view in _beside(decoded):
        for hit in matcher.hits(view.data):
            if view.is_new(hit.start, hit.end):
                yield _original(hit, view, lowered)


def _original(hit: Hit, view: Decoded, lowered: bytes) -> Hit:
    start, end = view.origin(hit.start, hit.end)
    return replace(hit, start=start, end=end, form=decoding.form(lowered[start:end]))


def _beside(seen: Decoded) -> Iterator[Decoded]:
    """Yield what decoded text also reads like: without quoted-printable, and the skeletons of both."""
    if plain := skeleton.view(seen):
        yield plain
    if unquoted := decoding.unquoted(seen):
        yield unquoted
        if decoding.has_quoted_letters(seen.data) and (plain := skeleton.view(unquoted)):
            yield plain


def _base64(buffer: bytes, matcher: Matcher, depth: int) -> Iterator[Hit]:
    runs = matcher.base64.find(buffer) if matcher.base64 else []
    yield from _whole_runs(runs, matcher, depth)
    yield from _any_alignment(runs, matcher)


def _whole_runs(runs: list[tuple[int, bytes]], matcher: Matcher, depth: int) -> Iterator[Hit]:
    """Search what runs hold when decoded from their beginning: in every form if it is text, or packed text."""
    texts, places, starts = bytearray(), [], []
    for start, run in runs:
        data = base64_runs.decode(base64_runs.standard(run))
        if len(data.translate(None, _PRINTABLE)) * 4 <= len(data):
            places.append(len(texts))
            starts.append(start)
            texts += data + b"\n"
        elif b"\0" in data:
            for hit in _other_utf16(data.rstrip(b"\0"), matcher):
                yield _placed(hit, 0, start)
        for piece in packed.contents(data):
            for hit in search(piece, matcher, depth + 1):
                yield Hit(hit.needle, start, start + len(run), "base64+packed")
    for hit in search(bytes(texts), matcher, depth + 1) if texts else ():
        index = bisect_right(places, hit.start) - 1
        yield _placed(hit, places[index], starts[index])


def _other_utf16(data: bytes, matcher: Matcher) -> Iterator[Hit]:
    """Search UTF-16 of letters other than ASCII, which does not look like text."""
    where = list(compress(range(len(data)), data))
    squeezed = data.translate(None, b"\0")
    for hit in matcher.hits(squeezed.lower(), squeezed):
        yield Hit(hit.needle, where[hit.start], where[hit.end - 1] + 1, "utf-16")


def _any_alignment(runs: list[tuple[int, bytes]], matcher: Matcher) -> Iterator[Hit]:
    """Search all runs at once, at each of the four positions where a group of base64 may begin."""
    places = list(accumulate((len(run) + 1 for _, run in runs), initial=0))
    standard = base64_runs.standard(b"\n".join(run for _, run in runs))
    for phase in range(4) if runs else ():
        text = base64_runs.decode(standard[phase:])
        for hit in matcher.hits(text.lower(), text):
            index = bisect_right(places, phase + hit.start * 8 // 6) - 1
            yield _placed(hit, 0, runs[index][0] - places[index] + phase)


def _hexadecimal(runs: HexRuns, matcher: Matcher, depth: int) -> Iterator[Hit]:
    """Search what runs of hexadecimal digits decode to; longer text in it is searched in every form."""
    for decoded in runs.decoded(matcher.shortest):
        hits = matcher.hits(decoded.data.lower(), decoded.data)
        text, places = decoded.texts()
        for hit in search(text, matcher, depth + 1) if text else ():
            position, place = places[bisect_right(places, hit.start, key=itemgetter(0)) - 1]
            hits.append(replace(hit, start=place + hit.start - position, end=place + hit.end - position))
        for hit in hits:
            start, end = decoded.origin(hit.start, hit.end)
            if runs.is_within_run(start, end):
                yield Hit(hit.needle, start, end, "hex")


def _placed(hit: Hit, text: int, run: int) -> Hit:
    """Return the hit with its position in the buffer: its text begins at `text`, the base64 of that text at `run`."""
    start = run + (hit.start - text) * 8 // 6
    end = run + ((hit.end - text - 1) * 8 + 7) // 6 + 1
    return Hit(hit.needle, start, end, "base64" if hit.form in ("plain", "base64") else f"base64+{hit.form}")
