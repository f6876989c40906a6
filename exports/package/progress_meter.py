"""One progress bar for the many parts of an export: it never goes back, and is full only at the end."""

from psynetdata.jobs import Running


class ProgressMeter:
    """An export is made in parts. Each is worth some of the `total` units of the bar, which are known beforehand.

    Within a part things are counted: rows processed, bytes read, files fetched.
    """

    def __init__(self, running: Running | None, total: int):
        self.running = running
        self.total = total
        self.counts: dict[str, list[int]] = {}
        self._phase = ""
        self._before = self._units = 0

    def begin(self, phase: str, units: int = 0, **of: int) -> None:
        """Start a part, with the total of each thing that it counts; the bar follows the last one of these.

        Raises Cancelled if someone asked to stop, as the other methods do.
        """
        self._before += self._units
        self._phase, self._units = phase, units
        self.counts = {name: [0, count] for name, count in of.items()}
        self._report()

    def advance(self, **more: int) -> None:
        """Add to what is done."""
        self.reach(**{name: self.counts[name][0] + count for name, count in more.items()})

    def reach(self, **done: int) -> None:
        """Set what is done of the part. If there is more of something than was known, its total grows."""
        for name, count in done.items():
            before, of = self.counts[name]
            self.counts[name] = [max(before, count), max(of, count)]
        self._report()

    def check(self) -> None:
        """Raise Cancelled if someone asked to stop."""
        if self.running is not None:
            self.running.check()

    def _report(self) -> None:
        if self.running is None:
            return
        done, of = list(self.counts.values())[-1] if self.counts else (0, 1)
        part = self._units * done // of if of else 0
        self.running.progress(self._phase, min(self.total, self._before + part), self.total, self.counts)
