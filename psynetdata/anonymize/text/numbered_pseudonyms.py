"""Numbered pseudonyms: `participant_n0007`. A value's number is assigned once and stored (models.Numbered).

The letter before the digits prevents a search for ids from finding one: a lab's id `000007` is not a word in there.
"""

from psynetdata.anonymize.identifiers.identifiers import KINDS, Identifiers

from .pseudonyms import Pseudonyms

# Kinds of ids that become pseudonyms → their name in the pseudonym.
NAMES = {
    "worker_id": "participant",
    "assignment_id": "session",
    "unique_id": "visit",
    "hit_id": "study",
    "lucid": "panelist",
    "entry": "entry",
    "fingerprint": "browser",
}
assert {kind for kind, fixed in KINDS.items() if fixed is None} == NAMES.keys()


def to_number(identifiers: Identifiers, names: Pseudonyms) -> dict[str, tuple[str, str]]:
    """Return {value: (its hashed pseudonym, name)} for values that get a number; parts around a colon get one each."""
    wanted: dict[str, tuple[str, str]] = {}
    for value, kind in identifiers.kinds.items():
        if kind in NAMES:
            parts = names.identifier_parts(value)
            # The parts of a unique_id have kinds of their own.
            wanted |= {part: (names.pseudonym(part), NAMES[identifiers.kinds.get(part, kind)]) for part in parts}
    return wanted


class NumberedPseudonyms(Pseudonyms):
    """value → `<name>_n<number>`; a value without a number gets the hashed pseudonym."""

    def __init__(self, key: bytes, numbers: dict[str, str]):
        """`numbers` {value: its pseudonym}"""
        super().__init__(key)
        self._numbers = numbers

    def _pseudonym_of_part(self, value: str) -> str:
        return self._numbers.get(value) or super()._pseudonym_of_part(value)
