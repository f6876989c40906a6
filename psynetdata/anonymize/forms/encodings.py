"""Text encoded inside other text (percent, HTML, backslashes, doubled quotes), decoded with a map to the original.

Each round decodes one layer: `%2540` becomes `%40` and then `@`. An identifier found in a layer is replaced at its
place in the original text, and everything around it keeps its form.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MOST = 6
_PART = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
    r"|(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\[^\r\n]"
    r'|""'
)
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
    return "%" in text or "&" in text or "\\" in text or '""' in text


def texts(text: str) -> list[str]:
    """Return the text after each round that changed it: cheap, without the map to the original text."""
    decoded: list[str] = []
    while may_be(text) and len(decoded) < MOST and (plain := _PART.sub(_decoded, text)) != text:
        decoded.append(plain)
        text = plain
    return decoded


def layers(text: str) -> Iterator[Layer]:
    """Yield the text after each round that changed it, with the map to the original text."""
    layer = Layer(text, list(range(len(text))), list(range(1, len(text) + 1)))
    for _ in range(MOST):
        under = _under(layer)
        if under.text == layer.text:
            return
        yield under
        layer = under


def _under(layer: Layer) -> Layer:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in _PART.finditer(layer.text):
        start, end = match.span()
        plain = _decoded(match)
        pieces += (layer.text[at:start], plain)
        starts += layer.starts[at:start] + [layer.starts[start]] * len(plain)
        ends += layer.ends[at:start] + [layer.ends[end - 1]] * len(plain)
        at = end
    pieces.append(layer.text[at:])
    return Layer("".join(pieces), starts + layer.starts[at:], ends + layer.ends[at:])


def _decoded(match: re.Match[str]) -> str:
    part = match.group()
    if part[0] == "%":
        plain = unquote_to_bytes(part)
        try:
            return plain.decode("utf-8")
        except UnicodeDecodeError:
            return plain.decode("latin-1")
    if part[0] == "&":
        return html.unescape(part)
    if part[0] == '"':
        return '"'
    if part[1] == "u":
        units = b"".join(bytes.fromhex(unit) for unit in part.split("\\u")[1:])
        return units.decode("utf-16-be", "replace")
    return chr(int(part[2:], 16)) if part[1] == "x" and len(part) == 4 else _CONTROL.get(part[1], part[1])
