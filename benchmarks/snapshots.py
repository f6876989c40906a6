"""The cost of snapshots of a live experiment, compared with `psql \\copy … | gzip -1` of all tables in the same run.

    python -m benchmarks.snapshots                                       # M: 401,000 rows
    python -m benchmarks.snapshots --participants 10000 --trials 100     # L: ten times that
    python -m benchmarks.snapshots --mirror                              # the mirror too: a full fill, and 1 % of it
    python -m benchmarks.snapshots --writer                              # 30 snapshots under 200 transactions a second
    python -m benchmarks.snapshots --safeguards                          # what fsync of folders and reading back cost

A separate server is started and filled by make_large.sql from the reference `static`, which takes half a minute at M
and five at L; `--url` names an existing database made like this. Times are medians, without the start-up time of
`manage.py check`; each snapshot is a process, and its peak memory is that process's. Without `--mirror` the mirror is
left out; mirror.py measures it in detail.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import psycopg2

from tests.servers import Server, binaries

ROOT = Path(__file__).resolve().parents[1]
DUMP = ROOT / "tests" / "data" / "static" / "database.dump"
RUNS = 3
_MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100, help="of each participant")
    parser.add_argument("--url", help="a database that make_large.sql has filled; 1 % of its trials will be changed")
    parser.add_argument("--mirror", action="store_true", help="measure the mirror, which takes ten times as long")
    parser.add_argument("--writer", action="store_true", help="measure next to the simulator, on a small database")
    parser.add_argument("--safeguards", action="store_true", help="measure with and without fsync and reading back")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        if options.writer:
            measure_beside_a_writer(stack.enter_context(Server()), folder)
            return
        url = options.url or filled(stack.enter_context(Server()), options.participants, options.trials)
        if options.safeguards:
            measure_safeguards(url, folder)
            return
        (measure_mirror if options.mirror else measure)(url, Desk(folder))


def measure_mirror(url: str, desk: "Desk") -> None:
    """Measure both faces: filled from nothing, and after 1 % of the trials changed; minus a snapshot without change."""
    desk.run("deployment", "add", url, "--every", "0")
    desk.snapshot()
    quiet = statistics.median(desk.snapshot()["seconds"] for _ in range(RUNS))
    full = desk.snapshot(mirror=True)
    print(f"full fill of both faces         {full['seconds'] - quiet:7.2f} s, {full['memory'] / _MB:4.0f} MB")
    change_trials(url)
    desk.snapshot()
    refresh = desk.snapshot(mirror=True)
    share = (refresh["seconds"] - quiet) / (full["seconds"] - quiet)
    print(
        f"1 % of the trials changed       {refresh['seconds'] - quiet:7.2f} s, {refresh['memory'] / _MB:4.0f} MB",
        end="",
    )
    print(f" = {100 * share:.1f} % of a full fill")
    nothing = desk.snapshot(mirror=True)
    print(f"nothing changed                 {nothing['seconds'] - quiet:7.2f} s")


def change_trials(url: str) -> None:
    """Write another answer for the newest 1 %."""
    execute(url, "UPDATE info SET answer = '\"' || random() || '\"', complete = true "
                 "WHERE id > (SELECT max(id) FROM info) - (SELECT count(*) / 100 FROM info)")  # fmt: skip


def measure(url: str, desk: "Desk") -> None:
    tables = [row[0] for row in execute(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                                             "'public'::regnamespace ORDER BY 1")]  # fmt: skip
    rows = sum(execute(url, f'SELECT count(*) FROM "{table}"')[0][0] for table in tables)
    yardstick = statistics.median(copy_and_gzip(url, tables) for _ in range(RUNS))
    print(f"{rows} rows in {len(tables)} tables")
    print(f"psql \\copy | gzip -1            {yardstick:7.2f} s")
    print(f"manage.py check                 {desk.idle:7.2f} s, {desk.idle_memory / _MB:4.0f} MB")
    desk.run("deployment", "add", url, "--every", "0")
    first = desk.snapshot()
    report("first snapshot", [first], yardstick)
    quiet = [desk.snapshot() for _ in range(RUNS)]
    report("nothing changed", quiet, yardstick)
    changed = []
    for _ in range(RUNS):
        change_trials(url)
        changed.append(desk.snapshot())
    report("1 % of the trials changed", changed, yardstick, first=first)
    report("every row read afresh", [desk.snapshot("--full") for _ in range(RUNS)], yardstick)


def measure_safeguards(url: str, folder: Path) -> None:
    """Print first and full snapshots as they are, without fsync of folders, and without reading back; in turns."""
    Desk.MANAGE = ROOT / "benchmarks" / "without_safeguards.py"
    variants = {"as it is": "", "without fsync of folders": "folders", "without reading back": "reading"}
    taken: dict[tuple[str, str], list[float]] = {}
    for number in range(RUNS):
        for variant, without in variants.items():
            desk = Desk(folder / f"{number}-{without}", WITHOUT=without)
            desk.run("deployment", "add", url, "--every", "0")
            taken.setdefault(("first", variant), []).append(desk.snapshot()["seconds"])
            taken.setdefault(("full", variant), []).append(desk.snapshot("--full")["seconds"])
    for (what, variant), seconds in sorted(taken.items()):
        print(
            f"{what:<6} {variant:<25} {statistics.median(seconds):6.2f} s of {sorted(round(one, 2) for one in seconds)}"
        )
    print(f"load at the end: {os.getloadavg()}")


def report(what: str, taken: list[dict], yardstick: float, first: dict | None = None) -> None:
    seconds = statistics.median(each["seconds"] for each in taken)
    stored = taken[-1]["new_bytes"]
    share = f" = {100 * stored / first['new_bytes']:.1f} % of the first" if first else ""
    memory = max(each["memory"] for each in taken) / _MB
    print(
        f"{what:<31} {seconds:7.2f} s = {seconds / yardstick:4.2f} of it, {memory:4.0f} MB, "
        f"{stored / 1000:.1f} kB stored{share}; its transaction {taken[-1]['open']:.2f} s"
    )


class Desk:
    """A desk with its own data folder, used through its commands. `idle`: seconds that a command takes to start."""

    MANAGE = ROOT / "manage.py"

    def __init__(self, folder: Path, **settings: str):
        self.environment = os.environ | {"DATA_DIR": str(folder)} | settings
        self.run("migrate", "-v0")
        starts = [self.run("check") for _ in range(RUNS)]
        self.idle = statistics.median(seconds for seconds, _, _ in starts)
        self.idle_memory = max(memory for _, memory, _ in starts)

    def run(self, *words: str) -> tuple[float, int, str]:
        """Return (seconds, peak bytes, what it printed)."""
        began = perf_counter()
        process = subprocess.Popen(
            [sys.executable, self.MANAGE, *words], env=self.environment, stdout=subprocess.PIPE, text=True
        )
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"manage.py {words[0]} failed")
        return perf_counter() - began, used.ru_maxrss * 1024, printed

    def snapshot(self, *words: str, mirror: bool = False) -> dict:
        seconds, memory, _ = self.run("snapshot", "take", *([] if mirror else ["--no-mirror"]), *words)
        newest = json.loads(self.run("snapshot", "list", "--json", "--limit", "1")[2])[0]
        return {
            "id": newest["id"],
            "seconds": seconds - self.idle,
            "memory": memory,
            "new_bytes": newest["new_bytes"],
            "open": newest["seconds"],
        }


def measure_beside_a_writer(server: Server, folder: Path, *, snapshots: int = 30, rate: int = 200) -> None:
    """Print the simulator's latencies with and without snapshots, and whether a reference dangles in any of them."""
    url = make_database(server, "writer")
    alone = simulated(url, rate, Event(), seconds=15)
    print(f"{rate} transactions a second, alone       {alone['latency_ms']}")
    os.environ["DATA_DIR"] = str(folder)
    desk = Desk(folder)
    desk.run("deployment", "add", url, "--every", "0")
    over, found = Event(), {}
    writer = Thread(target=lambda: found.update(simulated(url, rate, over)), daemon=True)
    writer.start()
    taken = [desk.snapshot() for _ in range(snapshots)]
    over.set()
    writer.join()
    print(f"{rate} transactions a second, beside them {found['latency_ms']}")
    more = 100 * (found["latency_ms"]["median"] / alone["latency_ms"]["median"] - 1)
    print(f"the median changed by {more:+.0f} %; {found['transactions']} transactions during {len(taken)} snapshots")
    print(f"dangling references in all of them: {sum(desk_dangling(each['id']) for each in taken)}")


def simulated(url: str, rate: int, stop: Event, seconds: float | None = None) -> dict:
    from tools.simulator import Simulator

    with Simulator(url, seed=1, into_existing=True) as simulator:
        simulator.run(rate=rate, seconds=seconds, stop=stop)
        return simulator.summary()


def desk_dangling(snapshot: int) -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "psynetdata.settings")
    django.setup()
    from exports.models import Snapshot
    from exports.store.reader import SnapshotReader
    from tools.simulator import dangling_in

    return sum(dangling_in(SnapshotReader(Snapshot.objects.get(pk=snapshot))).values())


def copy_and_gzip(url: str, tables: list[str]) -> float:
    """Return the seconds for all tables in one psql, so that its start counts once."""
    copies = [word for table in tables for word in ("-c", f'\\copy (SELECT * FROM "{table}") TO STDOUT (FORMAT csv)')]
    began = perf_counter()
    with subprocess.Popen([binaries() / "psql", "-X", "-q", url, *copies], stdout=subprocess.PIPE) as psql:
        subprocess.run(["gzip", "-1"], stdin=psql.stdout, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - began


def make_database(server: Server, name: str) -> str:
    execute(server.url(), f'CREATE DATABASE "{name}"')
    url = server.url(name)
    subprocess.run([binaries() / "pg_restore", "--no-owner", "-d", url, DUMP], check=True)
    return url


def filled(server: Server, participants: int, trials: int) -> str:
    url = make_database(server, "large")
    size = ("-v", f"n={participants}", "-v", f"t={trials}")
    command = [binaries() / "psql", "-X", "-q", "-o", os.devnull, *size, "-f", ROOT / "benchmarks/make_large.sql", url]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return url


def execute(url: str, sql: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


if __name__ == "__main__":
    main()
