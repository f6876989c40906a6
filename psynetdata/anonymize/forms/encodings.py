"""Text encoded inside other text (percent, HTML, backslashes, doubled quotes), decoded with a map to the original.

Each round decodes one layer: `%2540` becomes `%40` and then `@`. Next to each round is the text without
quoted-printable, and the skeleton of both (see skeleton.py): other readings, from which no round goes on. An identifier
found in a layer is replaced at its place in the original text, and everything around it keeps its form.
"""

import html
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from . import skeleton

MOST = 6
_PART = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:%u[0-9A-Fa-f]{4})+"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?"
    r"|(?:\\u[0-9A-Fa-f]{4})+|\\u\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2}|\\[^\r\n]"
    r'|""'
)
# Quoted-printable (RFC 2045, section 6.7), with its soft line breaks.
_QUOTED = re.compile(r"(?:=[0-9A-Fa-f]{2})+|=\r?\n")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A decoded text; its character n comes from [starts[n], ends[n]) of the original text."""

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.starts[start], self.ends[end - 1]


def may_be(text: str) -> bool:
    """Return whether anything in the text may be encoded."""
    return _has_rounds(text) or "=" in text or not text.isascii()


def _has_rounds(text: str) -> bool:
    return "%" in text or "&" in text or "\\" in text or '""' in text


def texts(text: str) -> list[str]:
    """Return every reading of the text that differs from it: cheap, without the map to the original text."""
    decoded = [text]
    while _has_rounds(text) and len(decoded) <= MOST and (plain := _PART.sub(_decoded, text)) != text:
        decoded.append(plain)
        text = plain
    others = []
    for each in decoded:
        unquoted = _QUOTED.sub(_unquoted, each) if "=" in each else each
        others += [unquoted] if unquoted != each else []
        others += [skeleton.skeleton(one) for one in dict.fromkeys((each, unquoted)) if not one.isascii()]
    return decoded[1:] + [other for other in others if other != text]


def layers(text: str) -> Iterator[Layer]:
    """Yield every reading of the text that differs from it, with the map to the original text."""
    rounds = [whole(text)]
    for _ in range(MOST):
        under = _under(rounds[-1], _PART, _decoded)
        if under.text == rounds[-1].text:
            break
        yield under
        rounds.append(under)
    for layer in rounds:
        unquoted = _under(layer, _QUOTED, _unquoted)
        if unquoted.text != layer.text:
            yield unquoted
        for each in (layer, unquoted):
            if not each.text.isascii():
                yield plainly(each)


def whole(text: str) -> Layer:
    """Return the text itself as a layer."""
    return Layer(text, list(range(len(text))), list(range(1, len(text) + 1)))


def plainly(layer: Layer) -> Layer:
    """Return the skeleton of a layer."""
    return _under(layer, skeleton.NOT_ASCII, skeleton.meant)


def _under(layer: Layer, part: re.Pattern[str], decode: Callable[[re.Match[str]], str]) -> Layer:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in part.finditer(layer.text):
        start, end = match.span()
        plain = decode(match)
        pieces += (layer.text[at:start], plain)
        starts += layer.starts[at:start] + [layer.starts[start]] * len(plain)
        ends += layer.ends[at:start] + [layer.ends[end - 1]] * len(plain)
        at = end
    pieces.append(layer.text[at:])
    return Layer("".join(pieces), starts + layer.starts[at:], ends + layer.ends[at:])


def _decoded(match: re.Match[str]) -> str:
    part = match.group()
    if part[0] == "&":
        return html.unescape(part)
    if part[0] == '"':
        return '"'
    if part[1] == "u":
        if part[2:3] == "{":
            number = int(part[3:-1], 16)
            return chr(number) if number <= sys.maxunicode else part
        units = b"".join(bytes.fromhex(unit) for unit in part.split(part[:2])[1:])
        return units.decode("utf-16-be", "replace")
    if part[0] == "%":
        return _text(unquote_to_bytes(part))
    return chr(int(part[2:], 16)) if part[1] == "x" and len(part) == 4 else _CONTROL.get(part[1], part[1])


def _unquoted(match: re.Match[str]) -> str:
    return _text(bytes.fromhex(match.group().replace("=", "").strip()))


def _text(plain: bytes) -> str:
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return plain.decode("latin-1")
