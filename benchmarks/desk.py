"""The cost of the desk's pages at scale: `python -m benchmarks.desk [--trials N] [--deployments D]`.

A separate PostgreSQL is filled with D deployments and N trials, as many responses, and related rows, on both faces
(benchmarks/desk.sql). Printed for each page, requested from Django: milliseconds for the first time in a process that
has answered nothing yet (forked, with all modules loaded), and the best of three in this process, each with CPU
milliseconds of the process and of PostgreSQL together; and the number of queries.
For comparison: a `count(*)` of the trials. PostgreSQL works without parallel workers, because their CPU time could not
be measured.
"""

import argparse
import os
import re
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.servers import Server

HISTORY = 50  # snapshots of each deployment
MANY = 100_000  # lines of the audit log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--deployments", type=int, default=200)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-desk-") as folder,
        Server(18, max_parallel_workers_per_gather="0") as server,
    ):
        os.environ |= {"DATA_DIR": folder, "DATABASE_URL": server.socket_url()}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "psynetdata.settings", "ALLOWED_HOSTS": "*"}
        began = time.perf_counter()
        fill(given.trials, given.deployments)
        print(
            f"{given.trials:,} trials, {given.deployments} deployments; filled in {time.perf_counter() - began:.0f} s"
        )
        measure(given.deployments)


def fill(trials: int, deployments: int) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    make_site(deployments)
    statements = Path(__file__).with_suffix(".sql").read_text()
    for face in settings.FACES:
        with connections[face].cursor() as cursor:
            cursor.execute(statements, {"trials": trials, "deployments": deployments})
            cursor.execute("VACUUM ANALYZE")


def make_site(deployments: int) -> None:
    """Deployments with a history, exports, jobs and a long audit log."""
    from django.utils import timezone

    from exports.models import Export, Incident, Snapshot, Summary
    from psynetdata.models import Audit, Deployment, Job

    now = timezone.now()
    rows = [
        Deployment(deployment_id=f"experiment-{n}__launch=1", label=f"Experiment {n}", source="local", every=60,
                   state="running" if n % 4 == 0 else "archived", restricted=n % 3 == 0)
        for n in range(1, deployments + 1)
    ]  # fmt: skip
    Deployment.objects.bulk_create(rows)
    tables = {f"table_{n}": {"state": "0" * 64, "rows": n, "content": "0" * 64} for n in range(30)}
    snapshots = [
        Snapshot(deployment=row, taken_at=now - timedelta(minutes=m), tables=tables, rows=500, bytes=9000, seconds=0.2)
        for row in rows
        for m in range(HISTORY)
    ]
    Snapshot.objects.bulk_create(snapshots, batch_size=1000)
    hours = {(now - timedelta(hours=h)).replace(minute=0, second=0, microsecond=0).isoformat(): h for h in range(24)}
    told = {"classes": [["info", f"Trial{n}", 9, 1] for n in range(9)], "median_seconds": 600.0, "by_hour": hours}
    told |= {"participants": {"finished": 40, "left": 5}, "progress": [1] * 10, "snapshot_number": 0, "taken_at": now}
    Summary.objects.bulk_create(Summary(deployment=row, **told) for row in rows)
    jobs = [Job(kind="export", deployment=row, state="done") for row in rows for _ in range(20)]
    Job.objects.bulk_create(jobs)
    newest = {one.deployment_id: one for one in snapshots[::HISTORY]}
    Export.objects.bulk_create(
        Export(deployment=job.deployment, snapshot=newest[job.deployment_id], job=job, options={}) for job in jobs
    )
    Incident.objects.bulk_create(
        Incident(deployment=row, kind="late", sentence="There is no new snapshot.", began_at=now, ended_at=now)
        for row in rows for _ in range(20)
    )  # fmt: skip
    Audit.objects.bulk_create(
        (Audit(verb="view", username="someone", deployment=rows[n % len(rows)]) for n in range(MANY)), batch_size=5000
    )


def measure(deployments: int) -> None:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.db import connections
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import resolve

    people = {"superuser": get_user_model().objects.create_superuser("bench")}
    people["viewer"] = get_user_model().objects.create_user("viewer", is_staff=True)
    people["viewer"].groups.add(Group.objects.get(name="viewer"))
    yardstick = []
    for _ in range(4):
        began = time.perf_counter()
        with connections["identified"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM psynetdata_trial")
        yardstick.append(time.perf_counter() - began)
    print(f"count(*) of the trials: {min(yardstick) * 1000:.0f} ms")
    resolve("/admin/")  # loads the modules of all pages, which a server does once
    print(f"{'page':72} {'who':10} {'first':>5} {'CPU':>5} {'best':>5} {'CPU':>5} {'queries':>7}")
    for who, user in people.items():
        client = Client()
        client.force_login(user)
        for address in addresses(deployments):
            first, first_cpu = fresh(user, address)
            with ExitStack() as stack:
                captured = [
                    stack.enter_context(CaptureQueriesContext(connections[name]))
                    for name in ("default", *settings.FACES)
                ]
                _, _, status = ask(client, address)
                queries = sum(len(one) for one in captured)
            if status == 403:
                continue
            best, cpu, status = min(ask(client, address) for _ in range(3))
            mark = " !" if best > 0.5 or queries >= 30 else ""
            shown = re.sub(r"^/admin/", "", address) or "the first page"
            figures = " ".join(f"{one * 1000:5.0f}" for one in (first, first_cpu, best, cpu))
            print(f"{shown:72} {who:10} {figures} {queries:7}{mark}")
            assert status == 200, (address, status)


def ask(client, address: str) -> tuple[float, float, int]:
    """Return (seconds, CPU seconds, status)."""
    began, cpu = time.perf_counter(), cpu_seconds()
    status = client.get(address).status_code
    return time.perf_counter() - began, cpu_seconds() - cpu, status


def fresh(user, address: str) -> tuple[float, float]:
    """Return (seconds, CPU seconds) of the first page of a process."""
    from django.db import connections
    from django.test import Client

    connections.close_all()  # a child must not use its parent's connections
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        client = Client()
        client.force_login(user)
        seconds, cpu, _ = ask(client, address)
        os.write(tell, f"{seconds} {cpu}".encode())
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as answer:
        seconds, cpu = map(float, answer.read().split())
    os.waitpid(child, 0)
    return seconds, cpu


def cpu_seconds() -> float:
    """Return the CPU time of this process, and of the server processes that its connections use."""
    from django.conf import settings
    from django.db import connections

    ticks = 0
    for name in ("default", *settings.FACES):
        connections[name].ensure_connection()
        stat = Path(f"/proc/{connections[name].connection.info.backend_pid}/stat").read_text()
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def addresses(deployments: int) -> list[str]:
    from django.contrib import admin

    data = "/admin/psynetdata"
    newest, some = deployments, deployments // 2
    key = newest << 40
    lists = sorted(f"/admin/{one._meta.app_label}/{one._meta.model_name}/" for one in admin.site._registry)
    trials = [
        f"deployment={newest}", f"deployment={some}", "class=Trial3", "trial_maker=maker_2", "failed__exact=1",
        "complete__exact=0", f"deployment={newest}&failed__exact=1", f"participant_id={newest}", "q=77", "q=Very+much",
        "q=nobody+said+this", f"deployment={newest}&q=nobody+said+this", f"deployment={some}&q=nobody+said+this",
        "creation_time_from_0=2026-01-05&creation_time_from_1=00:00:00", "o=10", "o=-10", "p=50",
    ]  # fmt: skip
    pages = [f"{data}/participant/?q=abc", f"{data}/response/?q=nobody+said+this", f"{data}/audit/?q=some"]
    from psynetdata.models import Participant

    person = Participant.objects.using("identified").filter(key__gt=key).first()
    pages += [f"{data}/participant/{person.key}/change/"]
    pages += [f"{data}/deployment/{number}/change/" for number in (newest, some)]
    return ["/admin/", *lists, *(f"{data}/trial/?{query}" for query in trials), *pages]


if __name__ == "__main__":
    main()
