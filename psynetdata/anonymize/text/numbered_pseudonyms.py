"""Pseudonyms by number: `participant_n0007`. What number a value has is handed out once and kept (models.Numbered).

A letter stands before the digits, so that no search for ids takes them for one: a lab's `000007` is no word in there.
"""

from psynetdata.anonymize.identifiers.identifiers import KINDS, Identifiers

from .pseudonyms import Pseudonyms

# Kinds of ids that become pseudonyms → what they are called.
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


def to_number(found: Identifiers, names: Pseudonyms) -> dict[str, tuple[str, str]]:
    """{value: (its pseudonym by hash, what it is called)} of all that gets a number; two parts with a colon get two."""
    wanted = {}
    for value, kind in found.kinds.items():
        if kind in NAMES:
            parts = names.parts(value)
            # The parts of a unique_id have kinds of their own.
            wanted |= {part: (names.of(part), NAMES[found.kinds.get(part, kind)]) for part in parts}
    return wanted


class NumberedPseudonyms(Pseudonyms):
    """value → `<what>_n<number>`; a value without a number gets the pseudonym by hash."""

    def __init__(self, key: bytes, numbers: dict[str, str]):
        """`numbers` {value: its pseudonym}"""
        super().__init__(key)
        self._numbers = numbers

    def _of_part(self, value: str) -> str:
        return self._numbers.get(value) or super()._of_part(value)
