"""The ids of people in the raw tables, as hashes, and which of them are more than a word or a number."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator

from psynetdata.psynet.table_source import TableSource

# Tables that name people, also those who never joined, and their columns that hold one id each.
_TABLES = ("participant", "notification", "recruitment", "lucid_rid", "lucidrid")
_COLUMNS = ("worker_id", "assignment_id", "unique_id", "fingerprint_hash", "rid", "worker", "assignment")
# Rows of these tables that name no participant and no trial are the experiment's own.
_OWN = ("asset", "network")
_OWNERS = ("participant_id", "trial_id")
# Kinds of the first scan that are not ids of people.
_OTHER_KINDS = ("secret", "withheld_text", "personal_asset", "server_path")
_LEAST, _LEAST_DIGITS, _LEAST_WORD = 8, 10, 3
_LONGEST = 200


class PeopleIds:
    """Ids of people. Only those that no shape finds are kept in clear, to search for them."""

    def __init__(self, shapes: Iterable[re.Pattern[bytes]]):
        self._salt = secrets.token_bytes(16)
        self._shapes = tuple(shapes)
        self._kinds: dict[bytes, str] = {}
        self._own: set[bytes] = set()
        self._words: dict[bytes, bool] = {}  # whether it is strong

    def __len__(self) -> int:
        return len(self._kinds)

    def read(self, source: TableSource) -> None:
        """Add the ids in the raw tables, and what the experiment's own rows hold."""
        for table in source.tables():
            names = [column.name for column in source.columns(table)]
            if table in _TABLES:
                wanted = [at for at, name in enumerate(names) if name in _COLUMNS]
                for row in source.rows(table) if wanted else ():
                    for at in wanted:
                        self.add(row[at], names[at])
            elif table in _OWN:
                owners = [at for at, name in enumerate(names) if name in _OWNERS]
                for row in source.rows(table):
                    if not any(row[at] for at in owners):
                        self._own.update(self._hash(value) for value in self._values(row))

    def add_known(self, values: Iterable[tuple[str, str]]) -> None:
        """Add (value, kind) of those that the first scan looks for, whatever it makes of them."""
        for value, kind in values:
            if kind not in _OTHER_KINDS:
                self.add(value, kind)

    def add(self, value: str | None, kind: str) -> None:
        """Add an id, and its parts if it is made of several: `worker_id:assignment_id`."""
        text = (value or "").strip().lower()
        parts = text.split(":") if kind == "unique_id" and text.count(":") == 1 else [text]
        for part in parts:
            data = part.encode("utf-8", "replace")
            if not 0 < len(data) <= _LONGEST:
                continue
            self._kinds.setdefault(self._hash(data), kind)
            if not any(shape.fullmatch(data) or shape.fullmatch(data.upper()) for shape in self._shapes):
                strong = is_strong(part)
                if strong or (len(data) >= _LEAST_WORD and not part.isdigit() and any(map(str.isalpha, part))):
                    self._words[data] = strong

    def words(self) -> list[bytes]:
        """Return the ids to search for, in lower case."""
        return sorted(self._words)

    def is_strong_word(self, word: bytes) -> bool:
        """Return whether one of `words` is more than a word."""
        return self._words[word]

    def kind(self, value: bytes) -> str | None:
        """Return the kind of the id that equals a value; None if no id does."""
        return self._kinds.get(self._hash(value))

    def is_own(self, value: bytes) -> bool:
        """Return whether a row of the experiment's own holds the value."""
        return self._hash(value) in self._own

    def _values(self, row: Iterable[str | None]) -> Iterator[bytes]:
        for cell in row:
            data = (cell or "").encode("utf-8", "replace")
            for shape in self._shapes:
                for found in shape.finditer(data):
                    yield found[0]

    def _hash(self, value: bytes) -> bytes:
        return hashlib.blake2b(value.lower(), digest_size=12, key=self._salt).digest()


def is_strong(text: str) -> bool:
    """Return whether an id is more than a word or a number: letters with digits, an address, ten digits or more."""
    if text.isascii() and text.isdigit():
        return len(text) >= _LEAST_DIGITS
    if len(text) < _LEAST or (re.fullmatch(r"[0-9a-f:.]+", text) and (":" in text or "." in text)):
        return False
    return "@" in text or (any(map(str.isdigit, text)) and any(map(str.isalpha, text)))
