"""The cost of an encrypted storage: the same snapshots and exports with STORAGE_KEY and without, in one run.

    python -m benchmarks.encryption                                       # M: 401,000 rows
    python -m benchmarks.encryption --participants 10000 --trials 100     # L: ten times that

Two desks read the same database in turn, so that other work on the machine meets both. Times are medians, without the
start-up time of `manage.py check`. Then both storages are filled with a large file and read, in this process, and the
clear desk's storage is encrypted.
"""

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time

from cryptography.fernet import Fernet

from tests.servers import Server

from .exports import _KINDS, exported
from .snapshots import RUNS, Desk, filled

_MB = 1e6
_LARGE = 512 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100, help="of each participant")
    parser.add_argument("--url", help="a database that make_large.sql has filled")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    keys = {"clear": "", "encrypted": Fernet.generate_key().decode()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        url = options.url or filled(stack.enter_context(Server()), options.participants, options.trials)
        first: dict[str, list[tuple[float, int]]] = {name: [] for name in keys}
        for run in range(options.runs):
            desks = {name: Desk(folder / f"{name}-{run}", STORAGE_KEY=key) for name, key in keys.items()}
            for name, desk in desks.items():
                desk.run("deployment", "add", url, "--every", "0")
                taken = desk.snapshot()
                first[name].append((taken["seconds"], taken["memory"]))
        report("first snapshot", first)
        for desk in desks.values():
            desk.run("snapshot", "take")  # with the mirror
        for kind in ("database, as it is", "full, as it is", "full, anonymous, searched"):
            done = {name: [] for name in keys}
            for _ in range(options.runs):
                for name, desk in desks.items():
                    done[name].append(exported(desk, folder / "out", _KINDS[kind]))
            report(kind, done)
        encrypt(desks["clear"], keys["encrypted"])
        large_file(folder, keys["encrypted"])


def report(what: str, done: dict[str, list[tuple[float, int]]]) -> None:
    """Print medians of {clear | encrypted: [(seconds, peak bytes)]}."""
    clear, encrypted = (statistics.median(seconds for seconds, _ in runs) for runs in done.values())
    memory = [max(memory for _, memory in runs) / _MB for runs in done.values()]
    print(
        f"{what:<31} {clear:7.2f} s → {encrypted:7.2f} s = {encrypted / clear:4.2f}; "
        f"{memory[0]:.0f} → {memory[1]:.0f} MB",
        flush=True,
    )


def encrypt(desk: Desk, key: str) -> None:
    """Encrypt a storage that was clear until now."""
    files = [path for path in Path(desk.environment["DATA_DIR"], "storage").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / _MB
    desk.environment["STORAGE_KEY"] = key
    seconds = desk.run("storage", "encrypt")[0] - desk.idle
    print(f"storage encrypt: {len(files)} files, {size:.0f} MB in {seconds:.2f} s", flush=True)


def large_file(folder: Path, key: str) -> None:
    """Print the CPU seconds for a large file in a local folder: stored, read, and a range of it."""
    os.environ |= {"DATA_DIR": str(folder / "large"), "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
    import django

    django.setup()
    from django.core.files import File
    from django.core.files.storage import storages

    from psynetdata import env
    from psynetdata.infra.storage import blocks

    path = folder / "large.bin"
    with path.open("wb") as file:
        for _ in range(_LARGE >> 20):
            file.write(os.urandom(1 << 20))
    for name, entry in (
        ("clear", env.local_storage(folder / "a")),
        ("encrypted", env.sealed(env.local_storage(folder / "b"), [key], clear=True)),
    ):
        kept = storages.create_storage(entry)
        for what, work in (
            ("stored", lambda kept=kept: kept.save("large", File(path.open("rb")))),
            ("read", lambda kept=kept: sum(map(len, blocks(kept, "large", 0, _LARGE)))),
            ("one byte of it", lambda kept=kept: list(blocks(kept, "large", _LARGE // 2, _LARGE // 2 + 1))),
        ):
            began, cpu = perf_counter(), process_time()
            work()
            seconds, cpu = perf_counter() - began, process_time() - cpu
            print(f"{_LARGE >> 20} MiB, {name}, {what:<17} {seconds:7.3f} s, CPU {cpu:.3f} s")


if __name__ == "__main__":
    main()
