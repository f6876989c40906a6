"""What the second check saw in an archive, by file and column, and why it was allowed."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from psynetdata.psynet.table_source import TableSource

from .people_ids import PeopleIds
from .shapes import REACH, SHAPES, Finder, Match

NOT_A_PERSON = "no id of a person is equal to it"
OWN = "a row that nobody's participation made holds it"
WORD = "an id of a person that is also a word; the first scan looks for it where a name of identity says so"
STRONG = "not allowed"
_WORD_SHAPE = "an id that is a word"
_MOST = 1000
# Of so many of one shape in a file the place is named, and of all that are not allowed.
_MOST_PLACED = 5000
_FURTHER = "(further ones)"

Key = tuple[str, str, str, str]  # member, place, shape, why


class SecondCheck:
    """Compiled once, before processes are forked."""

    def __init__(self, source: TableSource, known: Iterable[tuple[str, str]] = ()):
        """`known`: (value, kind) of the first scan's identifiers, so that both know those of all tables."""
        self.ids = PeopleIds(shape.whole for shape in SHAPES)
        self.ids.read(source)
        self.ids.add_known(known)
        self._finder = Finder(self.ids.words())

    def why(self, match: Match, value: bytes) -> tuple[str, str]:
        """Return (why it is allowed, the kind of the person's id if it is not)."""
        kind = self.ids.kind(value)
        if kind is None:
            return (OWN if self.ids.is_own(value) else NOT_A_PERSON), ""
        if match.word and not self.ids.is_strong_word(match.word):
            return WORD, ""
        return STRONG, kind

    def find(self, buffer: bytes) -> Iterable[Match]:
        """Return what is in a buffer."""
        return self._finder.matches(buffer)

    def to_json(self) -> dict[str, Any]:
        """Return what was looked for: no values."""
        words = self.ids.words()
        strong = sum(map(self.ids.is_strong_word, words))
        return {
            "shapes": list(dict.fromkeys(shape.name for shape in SHAPES)),
            "ids_of_people": len(self.ids),
            "ids_without_shape": strong,
            "ids_that_are_words": len(words) - strong,
        }


class Sightings:
    """Feed the bytes of a member, block by block, then close.

    `describe(offset)` names the place, counted from where the block that was fed last begins. `note(key, kind)` is
    called for each sighting; `kind` is that of the person's id if the sighting is not allowed, else "". The first
    `settled` bytes belong to another part of the member.
    """

    def __init__(
        self,
        check: SecondCheck,
        member: str,
        describe: Callable[[int], str],
        note: Callable[[Key, str], None],
        *,
        settled: int = 0,
    ):
        self._check = check
        self._member = member
        self._describe = describe
        self._note = note
        self._kept = b""
        self._shift = 0
        self._settled = settled
        self._counts: Counter[str] = Counter()

    def feed(self, block: bytes) -> None:
        """Take a block."""
        buffer, self._shift = self._kept + block, len(self._kept)
        limit = max(self._settled, len(buffer) - REACH)
        self._look(buffer, limit)
        cut = max(0, min(limit, len(buffer)) - REACH)
        self._kept, self._settled = buffer[cut:], limit - cut

    def close(self, ahead: bytes = b"") -> None:
        """Take the end. `ahead`: bytes that follow and belong to another part."""
        self._shift = len(self._kept)
        self._look(self._kept + ahead, self._shift)

    def _look(self, buffer: bytes, limit: int) -> None:
        matches = [match for match in self._check.find(buffer) if self._settled <= match.start < limit]
        for match in sorted(matches, key=lambda each: each.start):
            why, kind = self._check.why(match, buffer[match.start : match.end])
            shape = match.shape or _WORD_SHAPE
            self._counts[shape] += 1
            is_placed = kind or self._counts[shape] <= _MOST_PLACED
            place = self._describe(match.start - self._shift) if is_placed else _FURTHER
            self._note((self._member, place, shape, why), kind)


def listed(counts: Counter[Key]) -> list[dict[str, Any]]:
    """Return sightings as JSON, the most frequent first."""
    rows = [
        {"member": member, "column_or_place": place, "shape": shape, "count": count, "why_allowed": why}
        for (member, place, shape, why), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]
    return rows[:_MOST]
