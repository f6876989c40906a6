"""Speed and memory of the leak scan: `python benchmarks/leakscan.py [identifiers] [megabytes] [participants]`.

For each installed engine, in a separate process: seconds to compile, MB/s of the plain pass (lower-case and search),
MB/s with all decoding, peak memory. Three kinds of content: rows with JSON in them, as in PsyNet's `response` table;
rows of numbers; bytes of sound.

Then the whole scan of an archive like an anonymous export of M (1,000 participants, 400,000 rows in `database.zip` and
again in class files), with one process and with two, without and with the second check: seconds, processor seconds, the
memory of all processes together (their PSS), and, for comparison, the processor seconds that `zlib` at level 1 needs
for the same bytes.
"""

import json
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exports.leakscan.needles.needle import Needles
from exports.leakscan.scan import scan
from exports.leakscan.search import engine
from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.views import search
from exports.leakscan.second_check.sightings import SecondCheck

MB = 1 << 20
HEX = "0123456789abcdef"


def rows_of_json(rng: random.Random) -> bytes:
    """Return about 1 MiB of CSV with JSON cells and no identifier."""
    lines, size, row = [], 0, 0
    while size < MB:
        row += 1
        answer = {"answer": rng.choice(("Very much", "Not at all <kbd>A</kbd>")), "time_taken": rng.random(), "n": row}
        prompt = {"prompt": {"text": f"Was zählt?\nItem {row}", "url": f"/static/assets/cached/item_{row}.wav"}}
        cells = [json.dumps(value).replace('"', '""') for value in (answer, prompt)]
        token = "".join(rng.choices(HEX, k=24))
        lines.append(f'{row},2026-11-22 07:58:54.{row:06d},f,,"{cells[0]}",{token},"{cells[1]}"')
        size += len(lines[-1]) + 1
    return "\n".join(lines).encode()[:MB]


def rows_of_numbers(rng: random.Random) -> bytes:
    """Return about 1 MiB of numbers."""
    return "\n".join(",".join(str(rng.random()) for _ in range(10)) for _ in range(MB // 190 + 1)).encode()[:MB]


def sound(rng: random.Random) -> bytes:
    """Return 1 MiB of noise."""
    return rng.randbytes(MB)


def trials(rng: random.Random, people: int) -> Iterator[str]:
    """Yield lines of a table of trials: repeated cells, and numbers."""
    for number in range(people * 100):
        at = f"2026-10-01 09:{number // 60 % 60:02d}:{number % 60:02d}.{rng.randrange(10**6):06d}"
        definition = rng.choice(("cats", "dogs", "fish", "ponies")), rng.choice(("red", "green", "blue"))
        yield (
            f"{number},{at},,,,,,f,,,{{}},dallinger_experiment.experiment.AnimalTrial,6,6,,t,6,{number // 100},1,x,"
            f'"{{""animal"": ""{definition[0]}"", ""text_color"": ""{definition[1]}""}}",t,f,1,0.01,,'
            f'"""Not at all <kbd>A</kbd>""",t,{number},,,{rng.random() * 5:.3f},{{}},0,3,3,0,0.01,f,f,f,f,{{}},0,C'
        )


def responses(rng: random.Random, people: int) -> Iterator[str]:
    for number in range(people * 100):
        yield (
            f"{number},2026-10-01 09:07:47.{rng.randrange(10**6):06d},,,,,,f,,,{{}},psynet.timeline.Response,{{}},"
            f'{number // 100},animal_trial,"""Very much <kbd>D</kbd>""",ModularPage,t,,"{{""time_taken"": '
            f'{rng.random() * 5:.3f}, ""prompt"": {{}}, ""control"": {{""choices"": [""Not at all <kbd>A</kbd>"", ""A '
            'little <kbd>S</kbd>"", ""Very much <kbd>D</kbd>""], ""keys"": [""KeyA"", ""KeyS"", ""KeyD""]}}"'
        )


def requests(rng: random.Random, people: int) -> Iterator[str]:
    pseudonyms = ["p_" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=20)) for _ in range(2 * people)]
    for number in range(people * 200):
        name = f"{pseudonyms[number // 200]}:{pseudonyms[-1 - number // 200]}"
        yield (
            f"2026-10-01 09:07:42.{rng.randrange(10**6):06d},,,,,,{{}},{number},{name},{rng.random()},GET,/timeline,"
            f'"{{""unique_id"": ""{name}""}}",200,psynet.experiment.Request'
        )


def archive(path: Path, people: int) -> int:
    """Write an archive with each table twice, in an inner zip and next to it. Return its uncompressed size in bytes."""
    rng, size = random.Random(3), 0
    tables = {"info": (trials, 45), "response": (responses, 20), "request": (requests, 15)}
    inner = path.with_name("inner.zip")
    options = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": 1}
    with zipfile.ZipFile(path, "w", **options) as outer, zipfile.ZipFile(inner, "w", **options) as database:
        for table, (make, width) in tables.items():
            header = ",".join(f"column_{number}" for number in range(width))
            data = "\n".join([header, *make(rng, people), ""]).encode()
            outer.writestr(f"anonymous/data/{table.title()}.csv", data)
            database.writestr(f"data/{table}.csv", data)
            size += 2 * len(data)
    with zipfile.ZipFile(path, "a", **options) as outer:
        outer.write(inner, "anonymous/database.zip")
    return size


def measure_archive(folder: Path, people: int) -> None:
    path = folder / "anonymous.zip"
    size = archive(path, people) / MB
    needles = identifiers(5 * people)
    started = time.perf_counter()
    with zipfile.ZipFile(path) as opened:
        for name in opened.namelist()[:-1]:
            zlib.compress(opened.read(name), 1)
    yardstick = 2 * (time.perf_counter() - started)
    print(
        f"archive of {people:,} participants, {size:.0f} MB, {len(needles):,} identifiers; zlib -1: {yardstick:.1f} s"
    )
    second = SecondCheck(_NoTables(), ((needle.value, needle.kind) for needle in needles.items))
    for processes, check in ((1, None), (1, second), (2, second)):
        before, started = sum(os.times()[:4]), time.perf_counter()
        with Memory() as memory:
            report = scan(path, needles, second=check, processes=processes)
        spent, used = time.perf_counter() - started, sum(os.times()[:4]) - before
        assert report.clean
        how = f"{processes} process{'es' if processes > 1 else ''}{', second check' if check else ''}"
        print(
            f"  {how}: {spent:.1f} s, {used:.1f} s of processor = "
            f"{used / yardstick:.2f} x zlib = {size / used:.0f} MB/s a core, {memory.most} MB"
        )


class _NoTables:
    """Raw tables without rows: the identifiers are given."""

    def tables(self) -> list[str]:
        return []


class Memory:
    """The maximum MB of this process and its children together, with shared pages divided among them."""

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
            pids = [str(os.getpid()), *(children.read_text().split() if children.exists() else [])]
            self.most = max(self.most, sum(map(_pss, pids)) >> 10)


def _pss(pid: str) -> int:
    """Return kB; 0 for a process that has ended, or if the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def identifiers(count: int) -> Needles:
    rng = random.Random(1)
    needles = Needles()
    for _ in range(count):
        needles.add("".join(rng.choices(HEX, k=24)), "worker_id")
    return needles


def measure(name: str, count: int, size: int) -> None:
    needles = identifiers(count)
    started = time.process_time()
    matcher = Matcher(needles, name)
    print(f"{name}: {count:,} identifiers compiled in {time.process_time() - started:.1f} s")
    for content in (rows_of_json, rows_of_numbers, sound):
        block = content(random.Random(2))
        plain = speed(lambda block=block: matcher.hits(block.lower(), block), size)
        every = speed(lambda block=block: list(search(block, matcher)), size)
        print(f"  {content.__name__:16} plain pass {plain:5.0f} MB/s, all forms {every:5.0f} MB/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform != "darwin" else 1024)
    print(f"  peak memory {peak // 1024} MB")


def speed(search_block: Callable[[], object], size: int) -> float:
    """Return MB per second of processor time."""
    started = time.process_time()
    for _ in range(size):
        search_block()
    return size / (time.process_time() - started)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    for name in engine.ENGINES:
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(name, count, size))
        process.start()
        process.join()
    people = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    with tempfile.TemporaryDirectory(prefix="bench-leakscan-") as folder:
        measure_archive(Path(folder), people)


if __name__ == "__main__":
    main()
