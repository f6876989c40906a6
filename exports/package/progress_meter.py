"""One progress bar over the many parts of an export: it never goes back, and is full only at the end."""

from psynetdata.jobs import Running


class Meter:
    """An export is done in parts, each worth so many of the `total` units of the bar, which is known before the first.

    Within a part things are counted: rows gone through, bytes read, files fetched.
    """

    def __init__(self, running: Running | None, total: int):
        self.running = running
        self.total = total
        self.counts: dict[str, list[int]] = {}
        self._phase = ""
        self._before = self._units = 0

    def begin(self, phase: str, units: int = 0, **of: int) -> None:
        """A part, and how much there is of what it counts; how far it is follows from the last of these.

        Raises Cancelled when someone asked to stop, as the others do.
        """
        self._before += self._units
        self._phase, self._units = phase, units
        self.counts = {name: [0, count] for name, count in of.items()}
        self._tell()

    def advance(self, **more: int) -> None:
        """So much more is done."""
        self.reach(**{name: self.counts[name][0] + count for name, count in more.items()})

    def reach(self, **done: int) -> None:
        """So much is done of the part. What turns out to be more than was known is as much as it is."""
        for name, count in done.items():
            before, of = self.counts[name]
            self.counts[name] = [max(before, count), max(of, count)]
        self._tell()

    def check(self) -> None:
        """Raise Cancelled when someone asked to stop."""
        if self.running is not None:
            self.running.check()

    def _tell(self) -> None:
        if self.running is None:
            return
        done, of = list(self.counts.values())[-1] if self.counts else (0, 1)
        part = self._units * done // of if of else 0
        self.running.progress(self._phase, min(self.total, self._before + part), self.total, self.counts)
