"""Scrub: replace known identifiers inside text and JSON at any depth, including keys.

JSON numbers stay, except those that are an id: six digits or more, or under a name of identity. A text without
identifiers stays the same, byte for byte.
"""

from psynetdata.anonymize.forms import patterns
from psynetdata.anonymize.identifiers.identifiers import Identifiers

from . import json_spans
from .matcher import Matcher
from .pseudonyms import Pseudonyms

# The kind of content in which people could type anything: patterns run there too.
FREE_TEXT = "free_text"
MEMO_SIZE = 50_000
MEMO_LONGEST = 4_000
MEMO_STRING = 200
# JSON text inside JSON strings, as deep as PsyNet's jsonpickle ever nests it.
DEPTH = 4


class Scrubber:
    """Rewrites cells; remembers short texts, since most repeat."""

    def __init__(self, identifiers: Identifiers, pseudonyms: Pseudonyms):
        self.matcher = Matcher(identifiers, pseudonyms)
        self._memos: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._strings: dict[tuple[bool, bool], dict[str, str]] = {
            (a, b): {} for a in (False, True) for b in (False, True)
        }

    def cell(self, text: str, *, free_text: bool = False) -> str:
        """Return a cell (JSON or plain text) without identifiers; with `free_text` also without the `patterns`."""
        memo = self._memos[free_text]
        known = memo.get(text)
        if known is None:
            known = self._cell(text, free_text, DEPTH)
            if len(text) <= MEMO_LONGEST:
                if len(memo) >= MEMO_SIZE:
                    memo.clear()
                memo[text] = known
        return known

    def string(self, text: str, *, free_text: bool = False) -> str:
        """Return a plain string (not JSON) without identifiers."""
        return self._string(text, False, free_text, 0)

    def key(self, token: str) -> str:
        """Return a JSON object's key without identifiers; `token` is the quoted string from the text."""
        return json_spans.rewrite_strings(token, lambda value, is_key: self._string(value, True, False, 0))

    def _cell(self, text: str, free_text: bool, depth: int) -> str:
        if not self.worth_a_look(text, free_text):
            return text
        if not json_spans.is_json(text):
            return self._string(text, False, free_text, 0)
        text = self.matcher.under_names(text)
        text = patterns.under_names(text) if free_text else text
        if self.matcher.has_numbers:
            text = json_spans.rewrite_numbers(text, self.matcher.number)
        return json_spans.rewrite_strings(text, lambda value, is_key: self._string(value, is_key, free_text, depth - 1))

    def worth_a_look(self, text: str, free_text: bool) -> bool:
        """Return False if scrubbing would certainly change nothing; cheaper than scrubbing."""
        return self.matcher.suspicious(text) or (free_text and patterns.may_hold(text))

    def _string(self, value: str, is_key: bool, free_text: bool, depth: int) -> str:
        # The result for a string that may be JSON itself depends on the depth too.
        if len(value) > MEMO_STRING or value[:1] in ("{", "[", '"'):
            return self._rewritten(value, is_key, free_text, depth)
        memo = self._strings[is_key, free_text]
        known = memo.get(value)
        if known is None:
            if len(memo) >= MEMO_SIZE:
                memo.clear()
            known = memo[value] = self._rewritten(value, is_key, free_text, depth)
        return known

    def _rewritten(self, value: str, is_key: bool, free_text: bool, depth: int) -> str:
        if not value:
            return value
        if not (is_key and value.isdigit()):
            whole = self.matcher.whole(value)
            if whole is not None:
                return whole
        if depth > 0 and value[0] in '{["' and value[-1] in '}]"' and json_spans.is_json(value):
            return self._cell(value, free_text, depth)
        clean = self.matcher.replace(value)
        return patterns.replace(clean) if free_text else clean
