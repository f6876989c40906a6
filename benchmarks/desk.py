"""What the desk's pages cost at scale: `python -m benchmarks.desk [--trials N] [--deployments D]`.

A PostgreSQL of its own is filled with D deployments and N trials, as many responses, and what goes with them, on both
faces (benchmarks/desk.sql). Printed for each page, asked of Django within this process: milliseconds of the first time
and the best of three more; CPU milliseconds in the best, of this process and of PostgreSQL's together; queries.
Yardstick: a `count(*)` of the trials. PostgreSQL works without parallel workers, whose CPU time nobody would see.
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

LISTS = ("participant", "trial", "response", "asset", "node", "network", "record", "job", "audit", "deployment")
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

    from exports.models import Export, Incident, Snapshot
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
    print(f"{'page':72} {'who':10} {'first':>6} {'best':>6} {'CPU':>5} {'queries':>7}")
    for who, user in people.items():
        client = Client()
        client.force_login(user)
        for address in addresses(deployments):
            with ExitStack() as stack:
                captured = [
                    stack.enter_context(CaptureQueriesContext(connections[name]))
                    for name in ("default", *settings.FACES)
                ]
                first, _, status = ask(client, address)
                queries = sum(len(one) for one in captured)
            if status == 403:
                continue
            best, cpu, status = min(ask(client, address) for _ in range(3))
            mark = " !" if best > 0.5 or queries >= 30 else ""
            shown = re.sub(r"^/admin/", "", address) or "the first page"
            print(f"{shown:72} {who:10} {first * 1000:6.0f} {best * 1000:6.0f} {cpu * 1000:5.0f} {queries:7}{mark}")
            assert status == 200, (address, status)


def ask(client, address: str) -> tuple[float, float, int]:
    """(seconds, CPU seconds, status)"""
    began, cpu = time.perf_counter(), cpu_seconds()
    status = client.get(address).status_code
    return time.perf_counter() - began, cpu_seconds() - cpu, status


def cpu_seconds() -> float:
    """Of this process, and of the servers' processes at the other end of its connections."""
    from django.conf import settings
    from django.db import connections

    ticks = 0
    for name in ("default", *settings.FACES):
        connections[name].ensure_connection()
        stat = Path(f"/proc/{connections[name].connection.info.backend_pid}/stat").read_text()
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def addresses(deployments: int) -> list[str]:
    data = "/admin/psynetdata"
    newest, some = deployments, deployments // 2
    key = newest << 40
    lists = [f"{data}/{name}/" for name in LISTS]
    lists += [f"/admin/exports/{name}/" for name in ("snapshot", "export", "incident")]
    trials = [
        f"deployment={newest}", f"deployment={some}", "class=Trial3", "trial_maker=maker_2", "failed__exact=1",
        "complete__exact=0", f"deployment={newest}&failed__exact=1", f"participant_id={newest}", "q=77", "q=Very+much",
        "q=nobody+said+this", f"deployment={newest}&q=nobody+said+this", f"deployment={some}&q=nobody+said+this",
        "creation_time_from_0=2026-01-05&creation_time_from_1=00:00:00", "o=10", "o=-10", "p=50",
    ]  # fmt: skip
    pages = [f"{data}/participant/?q=abc", f"{data}/response/?q=nobody+said+this", f"{data}/audit/?q=some"]
    from psynetdata.models import Participant

    person = Participant.objects.using("identified").filter(key__gt=key).first()
    pages += [f"{data}/participant/{person.key}/change/", f"{data}/deployment/{newest}/change/"]
    return ["/admin/", *lists, *(f"{data}/trial/?{query}" for query in trials), *pages]


if __name__ == "__main__":
    main()
