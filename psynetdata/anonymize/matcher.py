"""Finds and replaces known identifiers inside a text: any case, percent- and HTML-encoded, hashed, in base64."""

import base64
import binascii
import hashlib
import html
import json
import re
from urllib.parse import unquote

from ahocorasick_rs import AhoCorasick, MatchKind

from .identifiers import KINDS, Identifiers
from .pseudonyms import Pseudonyms
from .words import ANYWHERE, TOKEN, WHOLE, fold, strength

_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?![0-9a-fA-F])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_ENCODED = re.compile(r"[^\s\"'<>]*(?:%[0-9A-Fa-f]{2}|&#?\w+;)[^\s\"'<>]*")
_URL_BEFORE = re.compile(r"[^\s\"'<>(),]*$")
_URL_AFTER = re.compile(r"[\w./%?=&#+~-]*")
_ADDRESS_AFTER = re.compile(r"[0-9]*")
# Ids that someone may have hashed to be on the safe side.
_HASHED = ("worker_id", "assignment_id", "unique_id", "hit_id", "lucid", "email")


class Matcher:
    """Compiled once from the identifiers of a deployment."""

    def __init__(self, identifiers: Identifiers, pseudonyms: Pseudonyms):
        self._pseudonyms = pseudonyms
        self._kinds = identifiers.kinds
        forms: dict[str, dict[str, str]] = {ANYWHERE: {}, TOKEN: {}, WHOLE: {}}
        for value in sorted(self._kinds, reverse=True):
            self._add(forms, value)
        self._anywhere = _Automaton(forms[ANYWHERE])
        self._tokens = _Automaton(forms[TOKEN])
        # Every value counts where it is the whole of a string, whatever its strength.
        self._whole = {form: value for each in forms.values() for form, value in each.items()}
        self.has_short = bool(forms[WHOLE])
        self._hashes = _hashes(self._kinds)

    def whole(self, text: str) -> str | None:
        """The replacement for a string that is an identifier as a whole, else None."""
        value = self._whole.get(fold(text.strip()))
        return None if value is None else self.replacement(value)

    def replacement(self, value: str) -> str:
        fixed = KINDS[self._kinds[value]]
        return self._pseudonyms.of(value) if fixed is None else fixed

    def suspicious(self, text: str) -> bool:
        """A cheap look at undecoded text: False means that nothing in it needs replacing (short ids apart)."""
        if "\\" in text or "%" in text or "&" in text:
            return True
        folded = fold(text)
        return self._anywhere.hits(folded) or self._tokens.hits(folded) or self._may_be_coded(text)

    def replace(self, text: str) -> str:
        """The text with every identifier in it replaced."""
        text = self._plain(text)
        if "%" in text or "&" in text:
            text = _ENCODED.sub(self._encoded, text)
        if len(text) >= 16:
            text = _HEX.sub(self._hashed, text) if self._hashes else text
            text = _BASE64.sub(self._base64, text)
        return text

    def _plain(self, text: str) -> str:
        folded = fold(text)
        spans = self._anywhere.spans(folded)
        if spans:
            text = self._substitute(text, spans)
            folded = fold(text)
        spans = [span for span in self._tokens.spans(folded, overlapping=True) if _stands_alone(folded, *span[:2])]
        return self._substitute(text, spans) if spans else text

    def _substitute(self, text: str, spans: list[tuple[int, int, str]]) -> str:
        out = []
        at = 0
        for start, end, value in spans:
            if start < at:
                continue
            start, end = self._widen(text, at, start, end, self._kinds[value])
            out += (text[at:start], self.replacement(value))
            at = end
        return "".join([*out, text[at:]])

    def _widen(self, text: str, low: int, start: int, end: int, kind: str) -> tuple[int, int]:
        """A file's whole URL and a whole address go, not only the known part of them."""
        if kind == "asset":
            before = _URL_BEFORE.search(text, low, start)
            after = _URL_AFTER.match(text, end)
            return (before.start() if before else start), (after.end() if after else end)
        if kind == "address":
            after = _ADDRESS_AFTER.match(text, end)
            return start, (after.end() if after else end)
        return start, end

    def _encoded(self, match: re.Match[str]) -> str:
        decoded = match.group()
        for _ in range(2):
            decoded = html.unescape(unquote(decoded))
            clean = self._plain(decoded)
            if clean != decoded:
                return clean
        return match.group()

    def _hashed(self, match: re.Match[str]) -> str:
        value = self._hashes.get(match.group().lower())
        return match.group() if value is None else self.replacement(value)

    def _base64(self, match: re.Match[str]) -> str:
        decoded = _decode_base64(match.group())
        return "[removed]" if decoded and self._anywhere.hits(fold(decoded)) else match.group()

    def _may_be_coded(self, text: str) -> bool:
        return any(self._base64(found) != found.group() for found in _BASE64.finditer(text)) or any(
            self._hashed(found) != found.group() for found in _HEX.finditer(text)
        )

    def _add(self, forms: dict[str, dict[str, str]], value: str) -> None:
        group = forms[strength(value)]
        group[fold(value)] = value
        escaped = json.dumps(value)[1:-1]
        if escaped != value:
            group[fold(escaped)] = value


class _Automaton:
    def __init__(self, forms: dict[str, str]):
        self._values = list(forms.values())
        longest = MatchKind.LeftmostLongest
        self._longest = AhoCorasick(list(forms), matchkind=longest, store_patterns=False) if forms else None
        self._all = AhoCorasick(list(forms), store_patterns=False) if forms else None

    def hits(self, folded: str) -> bool:
        return self._longest is not None and bool(self._longest.find_matches_as_indexes(folded))

    def spans(self, folded: str, *, overlapping: bool = False) -> list[tuple[int, int, str]]:
        """(start, end, identifier), in order; the longest first where several start together."""
        if self._longest is None:
            return []
        found = (
            self._all.find_matches_as_indexes(folded, overlapping=True)
            if overlapping
            else self._longest.find_matches_as_indexes(folded)
        )
        spans = [(start, end, self._values[at]) for at, start, end in found]
        return sorted(spans, key=lambda span: (span[0], -span[1]))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """No letter or digit touches it; and for digits: it is no part of a decimal number."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum() or after.isalnum():
        return False
    if not text[start:end].isdigit():
        return True
    fraction = before in (".", ",") and text[start - 2 : start - 1].isdigit()
    return not fraction and not (after in (".", ",") and text[end + 1 : end + 2].isdigit())


def _hashes(kinds: dict[str, str]) -> dict[str, str]:
    """{digest in hexadecimal: identifier} for plain MD5, SHA-1 and SHA-256 of people's ids."""
    found = {}
    for value in sorted(value for value, kind in kinds.items() if kind in _HASHED):
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, value.encode("utf-8", "surrogatepass"), usedforsecurity=False)
            found[digest.hexdigest()] = value
    return found


def _decode_base64(text: str) -> str:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("latin-1")
    except binascii.Error:
        return ""
