"""Finds rows of an anonymous face that change because identifiers changed, although their source rows did not."""

from collections.abc import Callable, Iterable, Iterator

from psynetdata.anonymize.forms.stored_forms import Unscreenable
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.text.difference import MOST, Difference, Screen, difference_between
from psynetdata.psynet import csvtext
from psynetdata.psynet.tables import Column, known_tables

from .anonymizer import Anonymizer, TableAnonymizer

# Rows are searched in batches of about this many characters.
_BATCH = 1 << 18
_BATCH_ROWS = 2_000

Pair = tuple[str, bytes]  # the key of a row in the mirror, and the stored row
Make = Callable[[Identifiers], Anonymizer]


def affected_rows(old: Identifiers, new: Identifiers, make: Make) -> "AffectedRows | None":
    """Return an AffectedRows, or None if rebuilding the face is better or the only way.

    `make` returns an anonymizer for the identifiers it is given.
    """
    difference = difference_between(old, new)
    if len(difference) > MOST:
        return None
    try:
        return AffectedRows(difference, make)
    except Unscreenable:
        return None


class AffectedRows:
    """The rows to do again for one difference of identifiers; used table by table."""

    def __init__(self, difference: Difference, make: Make):
        self._assets = difference.assets
        self._screen = Screen(difference)
        self._made = [make(Identifiers({})), make(difference.before), make(difference.after)]

    def for_table(self, table: str, columns: list[Column]) -> "AffectedRowFilter | None":
        """Return what selects a table's rows to do again; None if nothing in its rows depends on identifiers."""
        anonymizers = [each.table(table, columns) for each in self._made]
        if not anonymizers[0].scrubs:
            return None
        assets = self._assets if table == "asset" else frozenset()
        place = [column.name for column in columns].index("id") if assets else 0
        return AffectedRowFilter(self._screen, anonymizers, table not in known_tables(), assets, place)


class AffectedRowFilter:
    """Selects the rows of one table. `anonymizers`: one without identifiers, and one for each side of the difference.

    `own`: an experimenter's own table. `assets`: ids (the cell at index `place`) of rows that are always selected.
    """

    def __init__(
        self, screen: Screen, anonymizers: list[TableAnonymizer], own: bool, assets: frozenset[int], place: int
    ):
        self._screen, self._own, self._assets, self._place = screen, own, assets, place
        self._without, *self._others = anonymizers

    def passes(self, blocks: Iterable[bytes]) -> bool:
        """Return whether a whole part can be skipped. Its bytes are enough to decide: cheaper than row by row."""
        return not self._assets and not any(self._screen.stops(text, self._own) for text in _lines(blocks))

    def affected(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Yield the rows whose anonymous form changes, or could change."""
        for batch in _batches(pairs):
            sure, doubtful = self._screen.suspects([record.decode("utf-8") for _, record in batch], self._own)
            different = self._different(batch, sorted(doubtful))
            for at, pair in enumerate(batch):
                if at in sure or at in different or self._is_asset(pair[1]):
                    yield pair

    def _different(self, batch: list[Pair], places: list[int]) -> set[int]:
        """Return those of the places in the batch whose rows leave with something that an identifier replaced."""
        rows = csvtext.block_rows(b"".join(batch[at][1] + b"\n" for at in places))
        plain = self._without.block(rows)
        return {
            at
            for other in self._others
            for at, left, without in zip(places, other.block(rows), plain, strict=True)
            if left != without
        }

    def _is_asset(self, record: bytes) -> bool:
        return bool(self._assets) and int(csvtext.parse(record)[self._place] or 0) in self._assets


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield the text, cut at line ends: a search string never contains a line end."""
    left = b""
    for block in blocks:
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            yield (left + whole).decode("utf-8")
            left = rest
        else:
            left += block
    yield left.decode("utf-8")


def _batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    size = 0
    for pair in pairs:
        batch.append(pair)
        size += len(pair[1])
        if size >= _BATCH or len(batch) >= _BATCH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
