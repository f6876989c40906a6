"""One progress bar over the many parts of an export: it never goes back, and is full only at the end."""

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
