"""Searches a folded text for many strings at once."""

from ahocorasick_rs import AhoCorasick, MatchKind


class Automaton:
    """Made from {form: identifier}; forms are folded, see strength.fold."""

    def __init__(self, forms: dict[str, str]):
        self._values = list(forms.values())
        longest = MatchKind.LeftmostLongest
        self._longest = AhoCorasick(list(forms), matchkind=longest, store_patterns=False) if forms else None
        self._all = AhoCorasick(list(forms), store_patterns=False) if forms else None

    def hits(self, folded: str) -> bool:
        return self._longest is not None and bool(self._longest.find_matches_as_indexes(folded))

    def spans(self, folded: str, *, overlapping: bool = False) -> list[tuple[int, int, str]]:
        """Return (start, end, identifier) of all matches, in order; with the same start, the longest one first."""
        if self._longest is None or self._all is None:
            return []
        matches = (
            self._all.find_matches_as_indexes(folded, overlapping=True)
            if overlapping
            else self._longest.find_matches_as_indexes(folded)
        )
        spans = [(start, end, self._values[at]) for at, start, end in matches]
        return sorted(spans, key=lambda span: (span[0], -span[1]))
