"""The cost of exports, compared with `pg_dump -Fc` of the same database in the same run.

    python -m benchmarks.exports                                       # M: 401,000 rows
    python -m benchmarks.exports --participants 10000 --trials 100     # L: ten times that

A separate server is started and filled by make_large.sql from the reference `static` (`--url` names an existing
database made like this), and one snapshot is taken and mirrored, as on a desk. Then each kind of export is made from
it with its command and unpacked into a folder. Times are medians, without the start-up time of `manage.py check`;
memory is the peak of the sum of PSS over all processes of the export, measured twenty times a second.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from threading import Event, Thread
from time import perf_counter

from tests.servers import Server, binaries

from .snapshots import RUNS, Desk, filled

_MB = 1e6
_KINDS = {
    "database, as it is": ("--anonymize", "no", "--type", "database"),
    "full, as it is": ("--anonymize", "no"),
    "full, as it is, one process": ("--anonymize", "no", "--n_parallel", "1"),
    "full, as it is, Parquet": ("--anonymize", "no", "--format", "parquet"),
    "full, anonymous, searched": ("--anonymize", "yes"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100, help="of each participant")
    parser.add_argument("--url", help="a database that make_large.sql has filled")
    parser.add_argument("--desk", type=Path, help="a DATA_DIR that holds its snapshot, mirrored, from an earlier run")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--kinds", nargs="*", choices=list(_KINDS), default=list(_KINDS), metavar="KIND")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        url = given.url or filled(stack.enter_context(Server()), given.participants, given.trials)
        desk = Desk(given.desk or folder / "desk")
        if not given.desk:
            desk.run("deployment", "add", url, "--every", "0")
            desk.run("snapshot", "take")
        measure(url, desk, folder, given.kinds, given.runs)


def measure(url: str, desk: Desk, folder: Path, kinds: list[str], runs: int) -> None:
    yardstick = statistics.median(dumped(url, folder / "dump") for _ in range(runs))
    print(f"pg_dump -Fc                     {yardstick:7.2f} s")
    print(f"manage.py check                 {desk.idle:7.2f} s, {desk.idle_memory / _MB:4.0f} MB")
    for kind in kinds:
        made = [exported(desk, folder / "out", _KINDS[kind]) for _ in range(runs)]
        seconds = statistics.median(each[0] for each in made)
        memory = max(each[1] for each in made) / _MB
        print(f"{kind:<31} {seconds:7.2f} s = {seconds / yardstick:5.2f} of it, {memory:4.0f} MB", flush=True)


def dumped(url: str, path: Path) -> float:
    began = perf_counter()
    subprocess.run([binaries() / "pg_dump", "-Fc", "-f", path, url], check=True)
    return perf_counter() - began


def exported(desk: Desk, path: Path, options: tuple[str, ...]) -> tuple[float, int]:
    """Return (seconds without the start-up, peak bytes of all processes together)."""
    rmtree(path, ignore_errors=True)
    command = [sys.executable, desk.MANAGE, "export", "--path", path, "--assets", "none", *options]
    began = perf_counter()
    process = subprocess.Popen(command, env=desk.environment, stdout=subprocess.DEVNULL)
    over, peak = Event(), [0]

    def watch() -> None:
        while not over.wait(0.05):
            peak[0] = max(peak[0], proportional_memory(process.pid))

    watching = Thread(target=watch)
    watching.start()
    status = process.wait()
    seconds = perf_counter() - began
    over.set()
    watching.join()
    if status:
        sys.exit(f"the export {' '.join(options)} failed")
    return seconds - desk.idle, peak[0]


def proportional_memory(pid: int) -> int:
    """Return the bytes of a process and its descendants, with shared memory counted once (PSS)."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1]) * 1024
        children = [
            child for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):  # it ended in the meantime
        return total
    return total + sum(proportional_memory(int(child)) for child in children)


if __name__ == "__main__":
    main()
