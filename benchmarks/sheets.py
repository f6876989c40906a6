"""The cost of sheets over HTTP: `python -m benchmarks.sheets [--participants N] [--trials T] [--zip PATH] [--large]`.

A database of N participants with T trials each is loaded into a separate PostgreSQL and served by one gunicorn worker
over loopback. Printed, best of three: a sheet of 10 columns as CSV and NDJSON on either face next to `psql \\copy` of
the same query; the whole sheet, which passes through Python; first bytes; a 304; PsyNet's example of get_basic_data
(benchmarks/written.py); 50 clients at once. `--large` copies the trials until there are a million, in the mirror, and
measures the worker's memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.mirror import make
from tests.servers import Server

ROOT = Path(__file__).resolve().parents[1]
FIELDS = "id,creation_time,failed,participant_id,node_id,answer,time_taken,finalized,trial_maker_id,is_repeat_trial"
CLIENTS = 50
MANY = 1_000_000
TIMES = 50
PSYNET = 4.9  # seconds that PsyNet needs for its example over 75,000 rows, on a quiet machine like this one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--zip", type=Path)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-sheets-") as name, Server(18) as server:
        folder = Path(name)
        path = given.zip or make(folder, given.participants, given.trials)
        os.environ |= {"DATA_DIR": str(folder / "data"), "DATABASE_URL": server.socket_url()}
        os.environ |= {"BASIC_DATA_MODULES": "benchmarks.written", "BASIC_DATA_SECONDS": "110"}
        os.environ |= {"PORT": "8765", "API_RATE": "1000000/min", "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
        tokens = prepare(path)
        site = serve()
        try:
            measure(server, site, tokens, large=given.large)
        finally:
            site.terminate()
            site.wait()


def prepare(path: Path) -> dict[str, str]:
    """Load the file, and create a user with a token for each face."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    from psynetdata.models import ApiToken
    from tests.mirrored import load

    for database in ("default", *settings.FACES):
        call_command("migrate", database=database, verbosity=0)
    load(path)
    user = get_user_model().objects.create_superuser("bench")
    return {face: ApiToken.issue(user, identified=face == "identified")[1] for face in settings.FACES}


def serve() -> subprocess.Popen:
    command = [sys.executable, "-m", "gunicorn", "psynetdata.wsgi", "--bind", "127.0.0.1:8765", "--workers", "1"]
    command += ["--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--log-level", "warning"]
    child = subprocess.Popen(command, cwd=ROOT)
    for _ in range(200):
        try:
            urllib.request.urlopen("http://127.0.0.1:8765/healthz")
        except urllib.error.HTTPError:
            return child
        except OSError:
            time.sleep(0.1)
        else:
            return child
    raise SystemExit("The server did not come up.")


def get(token: str, query: str, *, sheet: str = "trial/", **headers) -> tuple[float, float, int, dict]:
    """Return (seconds to the first byte, seconds, bytes, headers) for the trials."""
    address = f"http://127.0.0.1:8765/api/basic_data/{sheet}?{query}"
    request = urllib.request.Request(address, headers={"Authorization": f"Token {token}", **headers})
    start, size = time.perf_counter(), 0
    try:
        with urllib.request.urlopen(request) as answer:
            size += len(answer.read(1))
            first = time.perf_counter() - start
            while block := answer.read(1 << 20):
                size += len(block)
            told = dict(answer.headers)
    except urllib.error.HTTPError as error:
        if error.code != 304:
            raise
        return time.perf_counter() - start, time.perf_counter() - start, 0, dict(error.headers)
    return first, time.perf_counter() - start, size, told


def best(measured) -> tuple:
    return min((measured() for _ in range(3)), key=lambda found: found[1])


def measure(server: Server, site: subprocess.Popen, tokens: dict[str, str], *, large: bool) -> None:
    for face, token in tokens.items():
        fresh = get(token, f"format=csv&fields={FIELDS}")
        for wanted in ("csv", "ndjson"):
            first, seconds, size, told = best(lambda w=wanted, t=token: get(t, f"format={w}&fields={FIELDS}"))
            yardstick = psql(server, query_of(face, wanted))
            rows, megabytes = int(told["X-Total-Count"]), size / 1e6
            print(
                f"{face}, {wanted}, {rows} rows of 10 columns, {megabytes:.1f} MB: {seconds:.2f} s, first byte "
                f"{first:.3f} s; psql \\copy of the same query {yardstick:.2f} s: ratio {seconds / yardstick:.1f}"
            )
        print(f"{face}: of a state that was never asked for: first byte {fresh[0]:.3f} s")
        first, seconds, size, told = get(token, "format=csv")
        print(
            f"{face}, the whole sheet, never asked for: {seconds:.2f} s, first byte {first:.2f} s, {size / 1e6:.1f} MB"
        )
        first, seconds, size, told = get(token, "format=csv")
        print(f"{face}, the whole sheet again: {seconds:.2f} s, first byte {first:.2f} s")
        not_modified(site, face, token, told["ETag"])
        answers(face, token)
    many(tokens["anonymous"])
    if large:
        grow(server, site, tokens["anonymous"])


def not_modified(site: subprocess.Popen, face: str, token: str, etag: str) -> None:
    worker = worker_of(site)
    before, times = processor(worker), []
    for _ in range(TIMES):
        times.append(get(token, "format=csv", **{"If-None-Match": etag})[1])
    spent, times = (processor(worker) - before) / TIMES, sorted(times)
    print(
        f"{face}: 304 in {1000 * times[TIMES // 2]:.1f} ms (median of {TIMES}; best {1000 * times[0]:.1f} ms), "
        f"{1000 * spent:.1f} ms of processor time"
    )


def answers(face: str, token: str) -> None:
    """Print times for two columns of the trials in PsyNet's example, from the sheet, and from the example itself."""
    fits = "format=json&fields=id,answer&failed=false&finalized=true"
    for what, query, sheet in (("the sheet", fits, "trial/"), ("PsyNet's example", "sheet=trial", "")):
        _, seconds, size, told = best(lambda q=query, s=sheet: get(token, q, sheet=s))
        rows = int(told["X-Total-Count"])
        ratio = seconds / rows * 75_000 / PSYNET
        print(
            f"{face}, id and answer of {rows} trials as JSON, {what}: {seconds:.2f} s, {size / 1e6:.1f} MB; "
            f"{ratio:.2f} x what PsyNet takes for as many rows"
        )


def query_of(face: str, wanted: str) -> str:
    """Return exactly the SQL with which the sheet is copied."""
    from psynetdata.models import Deployment
    from psynetdata.sheets import Catalogue
    from psynetdata.sheets.output import postgres_copy, sql_columns

    sheet = Catalogue(Deployment.objects.get(), face).sheet("trial", fields=FIELDS.split(","))
    of = sql_columns.csv_expression if wanted == "csv" else sql_columns.json_expression
    text, parameters = postgres_copy.query_of(sheet, sql_columns.expressions(sheet.shape, sheet.shown_columns, of))
    from django.db import connections

    with connections[face].cursor() as cursor:
        return cursor.mogrify(text, parameters).decode().replace("\n", " ")


def psql(server: Server, query: str) -> float:
    environment = os.environ | {"PGOPTIONS": "-c search_path=identified,anonymous"}
    command = ["psql", "-q", server.socket_url(), "-c", f"\\copy ({query}) to /dev/null csv"]

    def once():
        start = time.perf_counter()
        subprocess.run(command, check=True, env=environment)
        return 0, time.perf_counter() - start

    return best(once)[1]


def many(token: str) -> None:
    wrong: list[str] = []

    def client(number: int) -> None:
        try:
            get(token, f"fields=id,answer&participant_id={number + 1}")
        except OSError as error:
            wrong.append(str(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{CLIENTS} clients at once: {time.perf_counter() - start:.2f} s, {len(wrong)} errors {wrong[:1]}")


def grow(server: Server, site: subprocess.Popen, token: str) -> None:
    from django.db import connections

    with connections["anonymous"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM psynetdata_trial")
        rows = cursor.fetchone()[0]
        cursor.execute("SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns "
                       "WHERE table_schema = 'anonymous' AND table_name = 'psynetdata_trial' "
                       "AND column_name NOT IN ('key', 'id')")  # fmt: skip
        others = cursor.fetchone()[0]
        for copy in range(1, -(-MANY // rows)):
            cursor.execute(
                f"INSERT INTO psynetdata_trial (key, id, {others}) SELECT key + {copy * rows}, id + {copy * rows}, "
                f"{others} FROM psynetdata_trial WHERE id <= {rows}"
            )
        cursor.execute("UPDATE psynetdata_mirroredtable SET rows = (SELECT count(*) FROM psynetdata_trial), "
                       "state = 'many' WHERE \"table\" = 'info'")  # fmt: skip
    worker = worker_of(site)
    for query in (f"format=csv&fields={FIELDS}", "format=csv", "format=ndjson&fields=id,answer,definition"):
        before = resident(worker)
        first, seconds, size, told = get(token, query)
        print(
            f"{told['X-Total-Count']} rows, {query[:40]}…: {seconds:.1f} s, first byte {first:.2f} s, "
            f"{size / 1e6:.0f} MB; the worker grew from {before} to {resident(worker)} MB, "
            f"at most {resident(worker, 'VmHWM')}"
        )


def worker_of(site: subprocess.Popen) -> str:
    return subprocess.run(["pgrep", "-P", str(site.pid)], capture_output=True, text=True).stdout.split()[0]


def processor(worker: str) -> float:
    """Return the seconds of processor time that it has used."""
    user, system = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident(process: str, which: str = "VmRSS") -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith(which))


if __name__ == "__main__":
    main()
