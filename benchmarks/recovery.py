"""How long it takes to have a desk again: from a backup, and from the storage alone.

    python -m benchmarks.recovery [--participants 1000 --trials 100] [--snapshots 20]

A desk takes snapshots of one database, between which 1 % of the trials change, fills its mirror and backs itself up.
Then its DATA_DIR is gone; the storage and, with the first way, the backup are there.
"""

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter

from cryptography.fernet import Fernet

from benchmarks.snapshots import Desk, change_trials, filled
from tests.servers import Server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100, help="of each participant")
    parser.add_argument("--snapshots", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, Server() as server:
        folder = Path(name)
        settings = {
            "STORAGE_URL": (folder / "storage").as_uri(),
            "MASTER_KEY": Fernet.generate_key().decode(),
            "BACKUP_PASSPHRASE": "six words that nobody guesses",
        }
        desk = Desk(folder / "desk", **settings)
        url = filled(server, options.participants, options.trials)
        desk.run("deployment", "add", url, "--every", "0")
        for _ in range(options.snapshots):
            desk.snapshot()
            change_trials(url)
        desk.snapshot(mirror=True)
        desk.run("backup", "--to", str(folder / "backups"))
        print(f"load {os.getloadavg()}, storage {stored(folder / 'storage') / 1e6:.0f} MB")
        (backup,) = (folder / "backups").glob("*.zip.sealed")
        measure("restore-desk", folder / "restored", settings, "restore-desk", str(backup))
        measure("rebuild, and both faces", folder / "rebuilt", settings, "rebuild")
        measure("verify --all after it", folder / "rebuilt", settings, "verify", "--all")
        print(f"load {os.getloadavg()}")


def measure(what: str, folder: Path, settings: dict[str, str], *words: str) -> None:
    desk = Desk(folder, **settings)
    began = perf_counter()
    _, memory, _ = desk.run(*words)
    print(f"{what:<28} {perf_counter() - began:7.1f} s, {memory / 1e6:.0f} MB", flush=True)


def stored(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
