"""Speed and memory of the leak scan: `python benchmarks/leakscan.py [identifiers] [megabytes]`.

For each installed engine, in a process of its own: seconds to compile, MB/s of the plain pass (lower-case and
search), MB/s with all decoding, peak memory. Three kinds of content: rows with JSON in them, as
PsyNet's `response` table; rows of numbers; bytes of sound.
"""

import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from exports.leakscan import engine
from exports.leakscan.matcher import Matcher
from exports.leakscan.needles import Needles
from exports.leakscan.views import search

MB = 1 << 20
HEX = "0123456789abcdef"


def rows_of_json(rng: random.Random) -> bytes:
    """About 1 MiB of CSV with JSON cells and no identifier."""
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
    """About 1 MiB of figures."""
    return "\n".join(",".join(str(rng.random()) for _ in range(10)) for _ in range(MB // 190 + 1)).encode()[:MB]


def sound(rng: random.Random) -> bytes:
    """1 MiB of noise."""
    return rng.randbytes(MB)


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
    """MB/s of processor time."""
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


if __name__ == "__main__":
    main()
