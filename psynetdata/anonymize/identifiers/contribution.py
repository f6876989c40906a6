"""A part: what a run of a table's rows adds to a deployment's identifiers.

collection.py puts the parts of all tables together. A part depends only on its rows, the table's columns, the policy
and this package's code, so it can be stored for as long as its rows do not change (see face/identifier_cache.py). It
holds identifiers in clear text.
"""

import json
import zlib
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class Contribution:
    """Plain lists and dictionaries, as JSON stores them.

    `kinds` {value: kind}; `typed`: values of `kinds` that come only from what somebody typed or sent; `entries`
    [[value, whether its key may name a person, rows]], see collection.py; `found`, `code`, `said`, and `holders`,
    `code_holders`, `page_holders` {word: participants}: see word_reader.py; `made`, `linked`, `assets`: see
    personal_assets.py; `parents`, `trials`, `pages`, `answers`: see answer_copies.py.
    """

    rows: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    entries: list[list[Any]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    holders: dict[str, list[str]] = field(default_factory=dict)
    code_holders: dict[str, list[str]] = field(default_factory=dict)
    page_holders: dict[str, list[str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    assets: list[list[Any]] = field(default_factory=list)
    parents: list[list[str]] = field(default_factory=list)
    trials: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    answers: list[list[str]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        kept = {each.name: value for each in fields(self) if (value := getattr(self, each.name))}
        return zlib.compress(json.dumps(kept).encode("ascii"), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Contribution":
        return cls(**json.loads(zlib.decompress(data)))
