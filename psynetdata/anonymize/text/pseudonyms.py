"""Pseudonyms: one key per deployment, one pseudonym per value.

They depend on the value and not on the kind of column, so that equal ids stay equal
everywhere and references still match. Without the key a pseudonym reveals nothing; with
it anyone can try values, so the key is stored encrypted and never part of an export.
"""

import base64
import hmac
import secrets

from psynetdata.psynet.problems import Problem

KEY_BYTES = 32
# 12 bytes of the HMAC: 96 bits, 20 letters.
DIGEST_BYTES = 12
MEMO_SIZE = 200_000


def new_key() -> bytes:
    """Return a new random key for one deployment."""
    return secrets.token_bytes(KEY_BYTES)


class Pseudonyms:
    """value → pseudonym under one key; the same value always gives the same pseudonym.

    A pseudonym is `p_` and 20 lower-case base32 letters (22 characters, 96 bits):
    never hexadecimal, a UUID or capitals, so it cannot be mistaken for a recruiter's
    id. Two parts with one colon between them, PsyNet's
    `worker_id:assignment_id` (psynet.participant, unique_id), become two pseudonyms
    with a colon between them: 45 characters, and the parts still join.
    """

    def __init__(self, key: bytes):
        if len(key) < 16:
            raise Problem("A pseudonym key needs at least 16 bytes; make one with new_key().")
        self._key = key
        self._memo: dict[str, str] = {}

    def pseudonym(self, value: str) -> str:
        """Return the pseudonym of a value; the empty text stays empty."""
        known = self._memo.get(value)
        if known is None:
            if len(self._memo) >= MEMO_SIZE:
                self._memo.clear()
            known = self._memo[value] = self._make(value)
        return known

    def _make(self, value: str) -> str:
        if not value:
            return ""
        return ":".join(map(self._pseudonym_of_part, self.identifier_parts(value)))

    @staticmethod
    def identifier_parts(value: str) -> list[str]:
        """Return the parts that have their own pseudonyms: the value, or both sides of its only colon."""
        first, colon, second = value.partition(":")
        return [first, second] if colon and first and second and ":" not in second else [value]

    def _pseudonym_of_part(self, value: str) -> str:
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")[:DIGEST_BYTES]
        return "p_" + base64.b32encode(digest).decode("ascii").rstrip("=").lower()

    def secret(self, purpose: str) -> bytes:
        """Return a derived key for another purpose; it reveals nothing about this key."""
        return hmac.digest(self._key, b"key for " + purpose.encode(), "sha256")

    def __repr__(self) -> str:
        return "Pseudonyms(…)"
