"""What a desk that is in use holds, made by the project's own verbs: `python -m tests.browser.site_contents URL`.

URL: of the PostgreSQL database that is watched. DATA_DIR names the desk. Its last line is a JSON object with the
numbers of what it made.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "psynetdata" / "sample"
NAME, PASSWORD = "admin", "a desk to look at"
LOG_LINES = 250  # more than a page of them


def main(url: str) -> dict:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "psynetdata.settings")
    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    admin = User.objects.create_superuser(NAME, "admin@lab.example", PASSWORD)
    viewer = User.objects.create_user("viewer", password=PASSWORD, is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    call_command("load", str(ROOT / "tests" / "data" / "static" / "database.zip"))
    call_command("load", str(SAMPLE / "database.zip"), assets=str(SAMPLE / "assets"))
    call_command("deployment", "add", url, label="Watched", every=0)
    call_command("snapshot", "take", deployment=_newest().deployment_id)
    made = _deployments()
    call_command("deployment", "assets", made["sample"].deployment_id, fetch=True)
    numbers = {name: row.pk for name, row in made.items()} | {"viewer": viewer.pk, "admin": admin.pk}
    return numbers | _work(made, admin) | _access(made, admin) | _rows(made["sample"], made["plain"])


def _newest():
    from psynetdata.models import Deployment

    return Deployment.objects.order_by("-pk").first()


def _deployments() -> dict:
    """The three that there are, and an app on a lab's server that answers no more, whose logs are kept."""
    from exports.models import ServerLogs
    from exports.server import logs
    from psynetdata.models import Deployment

    plain, sample, watched = Deployment.objects.order_by("pk")
    server = Deployment.objects.create(
        deployment_id="on a server", label="On a server", source=Deployment.Source.SSH,
        source_url="ssh://lab@127.0.0.1:1/app", state=Deployment.State.PAUSED,
    )  # fmt: skip
    lines = (
        json.dumps({"timestamp": f"2026-11-22T08:{n // 60:02}:{n % 60:02}Z", "level": "INFO", "message": f"line {n}"})
        for n in range(LOG_LINES)
    )
    row = ServerLogs.objects.create(deployment=server)
    row.parts = [logs._stored(row, "".join(f"{line}\n" for line in lines).encode())]
    row.save()
    return {"plain": plain, "sample": sample, "watched": watched, "server": server}


def _work(made: dict, admin) -> dict:
    """A finished export, a preset, a schedule that stopped, an incident that is over, a note, jobs without end."""
    from django.utils import timezone

    from exports.models import ExportPreset, Incident, Note
    from exports.operations import export_schedule
    from exports.package.options import ExportOptions
    from exports.package.request import request_export
    from psynetdata import jobs
    from psynetdata.models import Job

    now, options = timezone.now(), ExportOptions(anonymize="both", assets="none")
    export = request_export(made["plain"], options, owner=admin)
    jobs.run(export.job_id)
    stopped = export_schedule.schedule(made["plain"], options, every_days=7, owner=admin)
    stopped.failures, stopped.stopped_at, stopped.reason = 5, now, "The disk was full."
    stopped.due_at, stopped.told_at = now + timedelta(days=7), now
    stopped.save()
    Note.objects.create(deployment=made["sample"], author=admin, text="The microphone was off until ten.")
    preset = ExportPreset.objects.create(name="For the archive", options=options.to_json(), owner=admin)
    incident = Incident.objects.create(
        deployment=made["watched"], kind=Incident.Kind.LATE, sentence="There was no snapshot for 9 minutes.",
        began_at=now - timedelta(hours=1), ended_at=now,
    )  # fmt: skip
    # Without a heartbeat that could be too old, a worker is never taken for dead: nothing but a person ends them.
    held = {"state": Job.State.RUNNING, "started_at": now, "total": 500}
    kept = [
        Job.objects.create(kind="held", cluster="none", owner=admin, done=100, phase="reading", **held)
        for _ in range(3)
    ]
    return {
        "snapshot": made["plain"].snapshots.get().pk, "taken": made["watched"].snapshots.get().pk, "export": export.pk,
        "stopped": stopped.pk, "preset": preset.pk, "incident": incident.pk, "jobs": [job.pk for job in kept],
        "done": export.job_id,
    }  # fmt: skip


def _access(made: dict, admin) -> dict:
    """Tokens, links, a sheet that was put together, somebody who withdrew."""
    from exports.models import Withdrawal
    from psynetdata.models import ApiToken, Audit, SavedSheet, SheetLink

    tokens = [ApiToken.issue(admin, name=name)[0].pk for name in ("analysis", "old laptop", "lost", "forgotten")]
    links = [SheetLink.issue(admin, deployment=made["plain"], sheet="trial", days=7).pk for _ in range(3)]
    sheet, other = (
        SavedSheet.objects.create(
            deployment=made["plain"], name=name, base="trial", made_by=admin, filters={}, order=[],
            columns=[["id", "id"], ["animal", "definition.animal"]],
        )
        for name in ("animals", "of_last_year")
    )  # fmt: skip
    withdrawal = Withdrawal.objects.create(deployment=made["server"], participant=9, by=admin)
    told = {"withdrawal": withdrawal.pk, "token": tokens[0], "tokens": tokens[1:], "link": links[0], "links": links[1:]}
    return told | {"sheet": sheet.pk, "other_sheet": other.pk, "audit": Audit.objects.latest("pk").pk}


def _rows(deployment, with_few) -> dict:
    """A mirrored row of each kind, by its key; of the participants the one whose way is the shortest."""
    from django.db.models import Count

    from exports.models import StoredAsset
    from psynetdata.models import Asset, Network, Node, Participant, Record, Response, Trial

    models = (Trial, Asset, Node, Network, Response, Record)
    found = {
        model.__name__: model.objects.using("identified").filter(deployment_number=deployment.number).first().pk
        for model in models
    }
    trials = Trial.objects.using("identified").filter(deployment_number=with_few.number).order_by()
    shortest = trials.values("participant_id").annotate(count=Count("pk")).order_by("count")[0]["participant_id"]
    stored = StoredAsset.objects.filter(deployment=deployment, number=0).first()
    return found | {
        "Participant": Participant.make_key(with_few.number, shortest),
        "file": Asset.make_key(deployment.number, stored.asset_id),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
