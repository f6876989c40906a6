"""All values of a deployment that point to a person or give access to something (secrets)."""

import hashlib
import json
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field

from .answer_copies import AnswerCopies

# kind → its replacement inside a text; None means the pseudonym. If a value has several kinds, the first one counts.
KINDS: dict[str, str | None] = {
    "worker_id": None,
    "assignment_id": None,
    "unique_id": None,
    "hit_id": None,
    "lucid": None,
    "entry": None,
    "fingerprint": None,
    "address": "[address]",
    "email": "[email]",
    "name": "[removed]",
    "secret": "[removed]",
    "path": "[removed]",
    "page_token": "[removed]",
    "asset": "[removed]",
    "asset_hash": "[removed]",
}
RANK = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True, repr=False)
class Identifiers:
    """`kinds` {value: kind of KINDS}, and the ids of personal assets. The repr shows only counts.

    `public`: values that are also words of the experiment itself, see public_words.py. `copies`: where answers were
    copied to. A row with a copy changes when its original changes, so the digest does not include copies.
    """

    kinds: dict[str, str]
    personal_assets: frozenset[int] = field(default_factory=frozenset)
    public: frozenset[str] = field(default_factory=frozenset)
    copies: AnswerCopies = field(default_factory=AnswerCopies, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 over the first three fields, sorted: equal digests mean that nothing new has to be hidden."""
        lines = sorted(f"{kind}\x1f{value}" for value, kind in self.kinds.items())
        text = "\x1e".join([*lines, "", *map(str, sorted(self.personal_assets)), "", *sorted(self.public)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def to_bytes(self) -> bytes:
        """Return compressed JSON. It may be stored only where identified rows are stored."""
        kept = [self.kinds, sorted(self.personal_assets), sorted(self.public), asdict(self.copies)]
        return zlib.compress(json.dumps(kept).encode("ascii"), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identifiers":
        kinds, assets, public, copies = json.loads(zlib.decompress(data))
        return cls(kinds, frozenset(assets), frozenset(public), AnswerCopies(**copies))

    def counts(self) -> dict[str, int]:
        """Return {kind: number of values}."""
        return dict(sorted(Counter(self.kinds.values()).items()))

    def __repr__(self) -> str:
        return f"Identifiers({len(self.kinds)} values, {len(self.personal_assets)} personal assets)"
