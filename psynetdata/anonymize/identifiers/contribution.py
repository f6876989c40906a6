"""What a run of a table's rows adds to a deployment's identifiers.

Parts of all tables are put together in `collecting`. A part depends on its rows, the table's columns, the policy and
this package's code alone, so it can be kept for as long as its rows stand unchanged (see face/identifier_cache.py). It
holds identifiers in clear.
"""

import json
import zlib
from dataclasses import dataclass, field, fields


@dataclass
class Part:
    """Plain lists and dictionaries, as JSON keeps them.

    `kinds` {value: kind}; `entries` [[value, whether its key is telling, rows]], see collecting;
    `found`, `code`, `holders` {word: participants}: see own_words; `made`, `linked`, `assets`: see personal; `parents`,
    `trials`, `answers`: see copies.
    """

    rows: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    entries: list = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    holders: dict[str, list[str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    assets: list = field(default_factory=list)
    parents: list = field(default_factory=list)
    trials: dict[str, list[str]] = field(default_factory=dict)
    answers: list = field(default_factory=list)

    def to_bytes(self) -> bytes:
        kept = {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
        return zlib.compress(json.dumps(kept).encode("ascii"), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Part":
        return cls(**json.loads(zlib.decompress(data)))
