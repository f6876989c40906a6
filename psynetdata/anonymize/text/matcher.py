"""Finds and replaces known identifiers inside a text: any case, percent- and HTML-encoded, hashed, in base64."""

import base64
import binascii
import html
import json
import re
import unicodedata
from urllib.parse import unquote

from psynetdata.anonymize.forms import encodings, id_names
from psynetdata.anonymize.forms.digests import Digests
from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, fold, strength
from psynetdata.anonymize.identifiers.identifiers import KINDS, Identifiers

from .automaton import Automaton
from .pseudonyms import Pseudonyms

_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?![0-9a-fA-F])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_URL_BACKWARDS = re.compile(r"[^\s\"'<>(),]*")
_LONGEST_URL = 4_000
_URL_AFTER = re.compile(r"[\w./%?=&#+~-]*")
_ADDRESS_AFTER = re.compile(r"[0-9]*")
_BORDERS = "\"'\n\r\t,;|<>"
_WORDLIKE = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")

Span = tuple[int, int, str]


class Matcher:
    """Finds identifiers in texts; compiled once from the identifiers of a deployment."""

    def __init__(self, identifiers: Identifiers, pseudonyms: Pseudonyms):
        self._pseudonyms = pseudonyms
        self._kinds = identifiers.kinds
        forms: dict[str, dict[str, str]] = {ANYWHERE: {}, TOKEN: {}, WHOLE: {}, NAMED: {}}
        for value in sorted(self._kinds, reverse=True):
            sure = NAMED if value in identifiers.public else strength(value)
            if sure != NEVER:
                forms[sure].update(dict.fromkeys(forms_of(value, sure), value))
        self._anywhere, self._tokens, self._whole_values = map(Automaton, (forms[ANYWHERE], forms[TOKEN], forms[WHOLE]))
        # Every other value counts if it is a whole string, regardless of its strength.
        self._whole = {form: value for name in (ANYWHERE, TOKEN, WHOLE) for form, value in forms[name].items()}
        self._named = forms[NAMED] | forms[WHOLE] | forms[TOKEN]
        self.numbers = frozenset(form for form in self._whole if form.isascii() and form.isdigit())
        self._hashes = Digests(self._kinds)

    def whole(self, text: str) -> str | None:
        """Return the replacement for a string that is an identifier as a whole, else None."""
        value = self._whole.get(fold(text.strip()))
        return None if value is None else self.replacement(value)

    def named(self, text: str) -> str | None:
        """Return the replacement for a value under a name of identity: short values and common words count there."""
        folded = fold(text.strip())
        value = self._named.get(folded) or self._named.get(re.split(r'["&,;\s\\}\]]', folded)[0])
        return None if value is None else self.replacement(value)

    def number(self, digits: str, *, alone: bool = False) -> str | None:
        """Return the replacement for a JSON number: of ten digits or more anywhere, of six to nine as a whole cell."""
        if digits not in self.numbers or not (alone or len(digits) >= 10):
            return None
        return self.replacement(self._whole[digits])

    def replacement(self, value: str) -> str:
        fixed = KINDS[self._kinds[value]]
        return self._pseudonyms.pseudonym(value) if fixed is None else fixed

    def suspicious(self, text: str) -> bool:
        """A cheap check of undecoded text: False means that nothing in it needs replacing."""
        if "\\" in text or "%" in text or "&" in text:
            return True
        folded = fold(text)
        if self._anywhere.hits(folded) or self._tokens.hits(folded) or self._whole_values.hits(folded):
            return True
        return self._may_be_coded(text) or (bool(self._named) and id_names.may_hold(text))

    def replace(self, text: str) -> str:
        """Return the text with every identifier in it replaced."""
        text = self._plain(text)
        if encodings.may_be(text):
            text = self._in_layers(text)
        if len(text) >= 16:
            text = _HEX.sub(self._hashed, text)
            text = _BASE64.sub(self._base64, text)
        return text

    def under_names(self, text: str) -> str:
        """Return the JSON text with values under names of identity replaced, including numbers."""
        return id_names.in_json(text, self.named) if self._named and id_names.may_hold(text) else text

    def _plain(self, text: str) -> str:
        spans = self._spans(text)
        return _substitute(text, spans) if spans else text

    def _in_layers(self, text: str) -> str:
        """Replace, in place, identifiers that appear after percent, HTML and backslash encodings are decoded."""
        for _ in range(encodings.MOST):
            if not any(self._spans(plain) for plain in encodings.texts(text)):
                break
            for layer in encodings.layers(text):
                spans = [(*layer.span(start, end), new) for start, end, new in self._spans(layer.text)]
                if spans:
                    text = _substitute(text, spans)
                    break
        return text

    def _spans(self, text: str) -> list[Span]:
        """Return (start, end, replacement) of all identifiers; they may overlap."""
        folded = fold(text)
        spans: list[Span] = []
        for start, end, value in self._anywhere.spans(folded):
            start, end = _widen(text, start, end, self._kinds[value])
            spans.append((start, end, self.replacement(value)))
        for start, end, value in self._tokens.spans(folded, overlapping=True):
            if _stands_alone(folded, start, end):
                spans.append((start, end, self.replacement(value)))
        for start, end, value in self._whole_values.spans(folded, overlapping=True):
            if _between_borders(folded, start, end):
                spans.append((start, end, self.replacement(value)))
        if self._named and id_names.may_hold(text):
            spans += id_names.spans(text, self.named)
        return spans

    def _hashed(self, match: re.Match[str]) -> str:
        value = self._hashes.value_of(match.group())
        return match.group() if value is None else self.replacement(value)

    def _base64(self, match: re.Match[str]) -> str:
        decoded = _decode_base64(match.group())
        folded = fold(decoded)
        if self._anywhere.hits(folded) or self._token_in(folded):
            return "[removed]"
        return match.group()

    def _token_in(self, folded: str) -> bool:
        return self._tokens.hits(folded) and any(
            _stands_alone(folded, start, end) for start, end, _ in self._tokens.spans(folded, overlapping=True)
        )

    def _may_be_coded(self, text: str) -> bool:
        return any(self._base64(found) != found.group() for found in _BASE64.finditer(text)) or any(
            self._hashed(found) != found.group() for found in _HEX.finditer(text)
        )


def _substitute(text: str, spans: list[Span]) -> str:
    out: list[str] = []
    at = 0
    for start, end, new in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= at:
            out += (text[at:start], new)
            at = end
        else:  # no part of an overlapping span may remain
            at = max(at, end)
    return "".join([*out, text[at:]])


def _widen(text: str, start: int, end: int, kind: str) -> tuple[int, int]:
    """Widen a match to a file's whole URL or a whole address: the known part alone is not enough."""
    if kind == "asset":
        backwards = text[max(0, start - _LONGEST_URL) : start][::-1]
        before, after = _URL_BACKWARDS.match(backwards), _URL_AFTER.match(text, end)
        return start - (before.end() if before else 0), (after.end() if after else end)
    if kind == "address":
        after = _ADDRESS_AFTER.match(text, end)
        return start, (after.end() if after else end)
    return start, end


def forms_of(value: str, sure: str) -> set[str]:
    """Return the folded spellings of a value: JSON-escaped, composed and decomposed, decoded, without hyphens."""
    spelled = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    if sure in (ANYWHERE, TOKEN):
        spelled |= {json.dumps(text)[1:-1] for text in spelled} | {html.unescape(unquote(value))}
        if _UUID.fullmatch(value):
            spelled.add(value.replace("-", ""))
        if " " in value:
            spelled.add(value.replace(" ", "+"))
    least = min(6, len(value))
    return {fold(text.strip()) for text in spelled if len(text.strip()) >= least} | {fold(value)}


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether no ASCII letter or digit touches the span; digits must also not be part of a decimal number."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before in _WORDLIKE or after in _WORDLIKE:
        return False
    if not text[start:end].isdigit():
        return True
    fraction = before in (".", ",") and text[start - 2 : start - 1].isdigit()
    return not fraction and not (after in (".", ",") and text[end + 1 : end + 2].isdigit())


def _between_borders(text: str, start: int, end: int) -> bool:
    """Return whether the span is a whole line, an item of a list, or the content of a tag."""
    return (start == 0 or text[start - 1] in _BORDERS) and (end == len(text) or text[end] in _BORDERS)


def _decode_base64(text: str) -> str:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("latin-1")
    except binascii.Error:
        return ""
