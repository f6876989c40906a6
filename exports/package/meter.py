"""One progress bar over the many parts of an export: it never goes back, and is full only at the end."""

from collections.abc import Iterable, Iterator

from psynetdata.jobs import Running

# Looking for cancel and telling how far we are costs a little; once in so many rows.
EVERY = 500


class Meter:
    """Counts units of work: a row gone through, an asset fetched. `total` is known before the first."""

    def __init__(self, running: Running | None, total: int):
        self.running = running
        self.total = total
        self.done = 0
        self._told = 0

    def advance(self, phase: str, units: int = 1) -> None:
        """So much is done; raises Cancelled when someone asked to stop."""
        self.done = min(self.total, self.done + units)
        if self.running is not None and (self.done - self._told >= EVERY or self.running.job.phase != phase):
            self._told = self.done
            self.running.progress(phase, self.done, self.total)

    def check(self) -> None:
        """Raise Cancelled when someone asked to stop."""
        if self.running is not None:
            self.running.check()

    def count(self, items: Iterable, phase: str) -> Iterator:
        """The items, counted as they pass; looks up now and then only, for there are millions of them."""
        number = 0
        for number, item in enumerate(items, 1):
            if number % EVERY == 0:
                self.advance(phase, EVERY)
            yield item
        self.advance(phase, number % EVERY)
