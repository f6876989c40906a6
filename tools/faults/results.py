"""What a run found, line by line in a file, so that a long run can be made in pieces."""

import json
from collections import Counter, defaultdict
from pathlib import Path


class Results:
    """Faults, comparisons and violations of this run, and of those before it with the same file.

    A line of the file is {"commit", "world", "kind", "seconds"} for a fault, {"commit", "world", "compared": {what:
    number}} for a comparison, or {"commit", "world", "violation": sentence}; the first one is {"commit", "seed"}.
    """

    def __init__(self, path: Path | None, seed: str, commit: str):
        self._path, self.seed, self._commit = path, seed, commit
        self._lines: list[dict] = []
        if path is not None and path.exists():
            self._lines = [json.loads(line) for line in path.read_text().splitlines()]
        if self._lines:
            self.seed = self._lines[0]["seed"]
        else:
            self.add(seed=seed)

    def add(self, **line) -> None:
        line["commit"] = self._commit
        self._lines.append(line)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(f"{json.dumps(line)}\n")

    def faults(self, world: str | None = None) -> list[dict]:
        return [line for line in self._lines if "kind" in line and world in (None, line["world"])]

    @property
    def violations(self) -> list[str]:
        return [f"{line['world']}: {line['violation']}" for line in self._lines if "violation" in line]

    def print(self) -> None:
        """Print how often each kind of fault happened where, and how long the desk took to be well again."""
        print("\n| fault | how often | where | well again after (median, longest) |\n|---|---|---|---|")
        kinds = defaultdict(list)
        for fault in self.faults():
            kinds[fault["kind"]].append(fault)
        for kind, faults in sorted(kinds.items()):
            seconds = sorted(fault["seconds"] for fault in faults)
            where = ", ".join(f"{world} {number}" for world, number in Counter(one["world"] for one in faults).items())
            print(f"| {kind} | {len(faults)} | {where} | {seconds[len(seconds) // 2]:.1f} s, {seconds[-1]:.1f} s |")
        compared: Counter[str] = Counter()
        for line in self._lines:
            compared.update(line.get("compared", {}))
        commits = ", ".join(dict.fromkeys(line["commit"] for line in self._lines))
        print(f"\n{len(self.faults())} faults, seed {self.seed}, commit {commits}")
        print("compared: " + ", ".join(f"{number} {what}" for what, number in sorted(compared.items())))
        print(f"violations: {len(self.violations)}")
        for violation in self.violations:
            print(f"  {violation}")
