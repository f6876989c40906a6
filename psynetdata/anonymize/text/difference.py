"""Compares two sets of identifiers, and finds rows that could change because of it, cheaply and without missing any."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from ahocorasick_rs import AhoCorasick

from psynetdata.anonymize.forms import id_names, skeleton, stored_forms
from psynetdata.anonymize.forms.digests import HEXADECIMALS, digests
from psynetdata.anonymize.forms.numbers import GROUPED
from psynetdata.anonymize.forms.strength import NAMED, NEVER, WHOLE, strength
from psynetdata.anonymize.identifiers.identifiers import Identifiers

from .matcher import Matcher
from .pseudonyms import Pseudonyms, new_key
from .spellings import forms_of

# More values than this are not worth searching for one by one.
MOST = 20_000
# Encoded characters that can be part of an identifier: the search avoids quotes, backslashes, line ends and the like
# (see `stored_forms.plain_piece`). For ASCII identifiers, only codes that decode to ASCII or to nothing matter; 212A is
# the Kelvin sign, `k` in lower case. What is wrapped into lines, or has thousands separators, is checked too.
_HEX = "[0-9a-fA-F]"
_WRAPPED = r"[A-Za-z0-9+/_-]{60}(?:\r?\n|\\[rn])|=\r?\n|=\\[rn]"
_ASCII = (
    rf"\\u(?!(?:00[89a-fA-F]|0[1-9a-fA-F]{_HEX}|[1-9a-fA-F]{_HEX}{_HEX}){_HEX})|\\u[2fF]|\\x(?![89a-fA-F]{_HEX})"
    rf"|\\[^\"\\nrtbfux]|%[0-7]{_HEX}|%[c-fC-F]{_HEX}%|%u|&[#A-Za-z]|=[2-7]{_HEX}|=[c-fC-F]{_HEX}=|{_WRAPPED}"
)
_ANY = rf"\\[^\"\\nrtbf]|%{_HEX}{{2}}|%u|&[#A-Za-z]|={_HEX}{{2}}|{_WRAPPED}"


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
        for identifiers in (difference.before, difference.after):
            for value in identifiers.kinds:
                sure.update(digest[:HEXADECIMALS] for digest in digests(value))
                how = NAMED if value in identifiers.public else strength(value)
                for form in forms_of(value, how) if how != NEVER else ():
                    pieces = stored_forms.plain_piece(form)
                    kind = {NAMED: named, WHOLE: doubtful}.get(how, sure if pieces == form else doubtful)
                    kind.add(pieces)
        coded = sure | doubtful | named
        self._sure, self._doubtful, self._named = map(_automaton, (sure, doubtful, named))
        self._coded = _coded(all(map(str.isascii, coded)), any(map(str.isdigit, coded)))
        sides = (difference.before, difference.after)
        self._matchers = [Matcher(side, Pseudonyms(new_key())) for side in sides if side.kinds]
        self._empty = not coded

    def stops(self, text: str, own: bool) -> bool:
        """Return whether any row in this text may contain something of the difference; `own` as in `suspects`."""
        if self._empty:
            return False
        if self._coded.search(text):
            return True
        folded = stored_forms.folded(text)
        if any(each and each.find_matches_as_indexes(folded) for each in (self._sure, self._doubtful)):
            return True
        if self._in_runs(text):
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

        def rows(automaton: AhoCorasick | None) -> set[int]:
            if automaton is None:
                return set()
            return {bisect_right(starts, start) - 1 for _, start, _ in automaton.find_matches_as_indexes(folded)}

        sure = rows(self._sure)
        doubtful = rows(self._doubtful)
        if self._in_runs(text):
            doubtful |= {at for at, row in enumerate(texts) if self._in_runs(row)}
        doubtful |= {bisect_right(starts, match.start()) - 1 for match in self._coded.finditer(text)}
        doubtful |= {at for at in rows(self._named) if own or id_names.may_hold(texts[at])}
        return sure, doubtful - sure

    def _in_runs(self, text: str) -> bool:
        return any(matcher.in_runs(text) for matcher in self._matchers)


@cache
def _coded(ascii_only: bool, numbers: bool) -> re.Pattern[str]:
    """Return the pattern for what may be a part of an identifier that is written in another way."""
    parts = [_ASCII if ascii_only else _ANY, skeleton.ambiguous(ascii_only).pattern]
    if numbers:
        parts.append(GROUPED.pattern.replace(r"\2", r"(?:[.,' _\u00a0\u2009\u202f\u2019])"))
    return re.compile("|".join(parts))


def _automaton(forms: set[str]) -> AhoCorasick | None:
    return AhoCorasick(sorted(forms), store_patterns=False) if forms else None
