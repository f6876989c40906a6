"""Compares two sets of identifiers, and finds rows that could change because of it, cheaply and without missing any."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from ahocorasick_rs import AhoCorasick

from psynetdata.anonymize.forms import id_names, stored_forms
from psynetdata.anonymize.forms.digests import digests
from psynetdata.anonymize.forms.strength import ANYWHERE, NAMED, NEVER, TOKEN, WHOLE, strength
from psynetdata.anonymize.identifiers.identifiers import Identifiers

from .matcher import forms_of

# More values than this are not worth searching for one by one.
MOST = 20_000
# Encoded characters that can be part of an identifier: the search avoids quotes, backslashes, line ends and the like
# (see `stored_forms.plain_piece`). For ASCII identifiers, only codes that decode to ASCII or to nothing matter; 212A is
# the Kelvin sign, `k` in lower case.
_HEX = "[0-9a-fA-F]"
_ASCII = re.compile(
    rf"\\u(?!(?:00[89a-fA-F]|0[1-9a-fA-F]{_HEX}|[1-9a-fA-F]{_HEX}{_HEX}){_HEX})|\\u212[aA]|\\x(?![89a-fA-F]{_HEX})"
    rf"|\\[^\"\\nrtbfux]|%[0-7]{_HEX}|%[eE]2%84%[aA]{{2}}|&[#A-Za-z]"
)
_ANY = re.compile(rf"\\[^\"\\nrtbf]|%{_HEX}{{2}}|&[#A-Za-z]")


@dataclass(frozen=True, repr=False)
class Difference:
    """The identifiers that only one of two sets has, or that differ between the sets; `before` and `after` hold both
    versions."""

    before: Identifiers
    after: Identifiers
    assets: frozenset[int]

    def __len__(self) -> int:
        return len(self.before.kinds.keys() | self.after.kinds.keys())


def difference_between(old: Identifiers, new: Identifiers) -> Difference:
    """Return the difference of two sets of identifiers; its assets are those that are personal in only one set."""

    def seen(value: str, identifiers: Identifiers) -> tuple[str | None, bool]:
        return identifiers.kinds.get(value), value in identifiers.public

    values = {value for value in old.kinds.keys() | new.kinds.keys() if seen(value, old) != seen(value, new)}
    return Difference(_only(old, values), _only(new, values), old.personal_assets ^ new.personal_assets)


def _only(identifiers: Identifiers, values: set[str]) -> Identifiers:
    kinds = {value: kind for value, kind in identifiers.kinds.items() if value in values}
    return Identifiers(kinds, frozenset(), identifiers.public & values)


class Screen:
    """Searches whole stored rows. A row that passes contains nothing of the difference, in any form that Matcher knows.

    Raises Unscreenable if a value cannot be searched for in stored rows.
    """

    def __init__(self, difference: Difference):
        sure: set[str] = set()
        doubtful: set[str] = set()
        named: set[str] = set()
        base64: set[str] = set()
        for identifiers in (difference.before, difference.after):
            for value in identifiers.kinds:
                sure.update(digests(value))
                how = NAMED if value in identifiers.public else strength(value)
                for form in forms_of(value, how) if how != NEVER else ():
                    pieces = stored_forms.plain_piece(form)
                    kind = {NAMED: named, WHOLE: doubtful}.get(how, sure if pieces == form else doubtful)
                    kind.add(pieces)
                    if how in (ANYWHERE, TOKEN):
                        base64 |= stored_forms.in_base64(form)
        coded = sure | doubtful | named
        self._sure, self._doubtful, self._named, self._base64 = map(_automaton, (sure, doubtful, named, base64))
        self._coded = _ASCII if all(map(str.isascii, coded)) else _ANY
        self._empty = not coded

    def stops(self, text: str, own: bool) -> bool:
        """Return whether any row in this text may contain something of the difference; `own` as in `suspects`."""
        if self._empty:
            return False
        if self._coded.search(text):
            return True
        folded = stored_forms.folded(text)
        searches = ((self._sure, folded), (self._doubtful, folded), (self._base64, text))
        if any(automaton and automaton.find_matches_as_indexes(where) for automaton, where in searches):
            return True
        named = self._named and self._named.find_matches_as_indexes(folded)
        return bool(named) and (own or id_names.may_hold(text))

    def suspects(self, texts: list[str], own: bool) -> tuple[set[int], set[int]]:
        """Return (rows that contain something of the difference, rows that may contain it), as indexes in `texts`.

        `own`: rows of an experimenter's own table, where the column's name may be a name of identity.
        """
        if self._empty:
            return set(), set()
        starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        text = "\n".join(texts)
        folded = stored_forms.folded(text)

        def rows(automaton: AhoCorasick | None, where: str) -> set[int]:
            if automaton is None:
                return set()
            return {bisect_right(starts, start) - 1 for _, start, _ in automaton.find_matches_as_indexes(where)}

        sure = rows(self._sure, folded)
        doubtful = rows(self._doubtful, folded) | rows(self._base64, text)
        doubtful |= {bisect_right(starts, match.start()) - 1 for match in self._coded.finditer(text)}
        doubtful |= {at for at in rows(self._named, folded) if own or id_names.may_hold(texts[at])}
        return sure, doubtful - sure


def _automaton(forms: set[str]) -> AhoCorasick | None:
    return AhoCorasick(sorted(forms), store_patterns=False) if forms else None
