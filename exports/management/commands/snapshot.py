from argparse import SUPPRESS
from pathlib import Path

from django.db.models import QuerySet

from exports.history import accept, pin
from exports.history.diff import diff, to_json
from exports.management import snapshot_text
from exports.management.mirroring_command import MirroringCommand
from exports.models import Snapshot
from exports.package.database_zip import default_name, download
from psynetdata.deployments import chosen
from psynetdata.models import Audit, Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import NotFound

_LISTED_IDS = 20


class Command(MirroringCommand):
    help = "Take a snapshot of a running experiment (the default), or list, compare, pin and download snapshots."

    def add_arguments(self, parser):
        # On the command itself and on `take`, which is the default.
        _add_take(parser, None, False)
        parser.set_defaults(do="take")
        verbs = parser.add_subparsers(metavar="take | list | show | diff | download | pin | unpin | accept")
        take = verbs.add_parser("take", help="Take one now, and mirror it.")
        _add_take(take, SUPPRESS, SUPPRESS)
        listed = verbs.add_parser("list", help="List them, newest first, and why each is kept.")
        listed.add_argument("--deployment", metavar="ID")
        listed.add_argument("--limit", type=int, metavar="N", help="Only the newest N.")
        verbs.add_parser("show", help="Show one: its tables, where they are stored, its sequences.")
        compare = verbs.add_parser("diff", help="Show rows added, changed and removed per table, from A to B.")
        for name in ("before", "after"):
            compare.add_argument(name, type=int, metavar=name[0].upper())
        compare.add_argument("--rows", action="store_true", help=f"Ids too, at most {_LISTED_IDS} of each kind.")
        fetch = verbs.add_parser("download", help="Write it as the database.zip that `psynet deploy --archive` takes.")
        fetch.add_argument("--force", action="store_true", help="Replace an existing file at PATH.")
        for verb, does in (("pin", "Keep it for good."), ("unpin", "Let the retention rules decide again.")):
            verbs.add_parser(verb, help=does)
        verbs.add_parser("accept", help="Confirm that a suspect one is right; the mirror is updated.")
        for name, one in verbs.choices.items():
            one.set_defaults(do=name)
            if name in ("show", "download", "pin", "unpin", "accept"):
                one.add_argument("snapshot", type=int, metavar="ID")
            if name in ("list", "show", "diff"):
                one.add_argument("--json", action="store_true")
        fetch.add_argument("path", nargs="?", type=Path, metavar="PATH")

    def run(self, *, do: str, **options):
        getattr(self, f"_{do}")(**options)

    def _take(self, *, deployment: str | None, full: bool, no_mirror: bool, **options):
        fitting = Deployment.objects.all() if deployment else _with_a_source() or Deployment.objects.all()
        named = chosen(fitting, deployment, how="--deployment")
        job = self.job("snapshot", options={"full": full, "mirror": False}, deployment=named)
        for sentence in job.result["warnings"]:
            self.warn(sentence)
        snapshot = _snapshot(job.result["snapshot"])
        if not no_mirror and Snapshot.objects.newest(snapshot.deployment) == snapshot:
            self.mirror([snapshot.deployment], done=f"{str(snapshot).capitalize()} is stored, but not mirrored.")
        Audit.record("snapshot", deployment=snapshot.deployment, target=snapshot, full=full)
        seconds, size = f"{snapshot.seconds:.1f} s", f"{snapshot.new_bytes} new bytes"
        moment = times.to_iso(snapshot.taken_at)
        self.stdout.write(f"deployment  {snapshot.deployment.deployment_id}")
        self.stdout.write(f"{snapshot}, of {moment}: {snapshot.rows} rows, {size}, {seconds}, {snapshot.state}")

    def _list(self, *, deployment: str | None, limit: int | None, json: bool, **options):
        named = [chosen(Deployment.objects.all(), deployment, how="--deployment")] if deployment else None
        self.stdout.write(snapshot_text.snapshot_list(named or list(Deployment.objects.all()), limit, as_json=json))

    def _show(self, *, snapshot: int, json: bool, **options):
        self.stdout.write(snapshot_text.snapshot_details(_snapshot(snapshot), as_json=json))

    def _diff(self, *, before: int, after: int, rows: bool, json: bool, **options):
        old, new = _snapshot(before), _snapshot(after)
        differences = diff(old, new, ids=_LISTED_IDS if rows else 0)
        if old.deployment_id != new.deployment_id:
            self.warn("The two belong to different deployments; equal ids need not be the same people or trials.")
        self.stdout.write(
            snapshot_text.to_text(to_json(old, new, differences)) if json else snapshot_text.snapshot_diff(differences)
        )

    def _download(self, *, snapshot: int, path: Path | None, force: bool, **options):
        row = _snapshot(snapshot)
        target = Path(path or default_name(row)).expanduser().absolute()
        written = download(row, target, force=force)
        self.stdout.write(f"{row} of {row.deployment.deployment_id}: {row.rows} rows, {written.bytes} bytes")
        self.stdout.write(f"to be used with {snapshot_text.versions(row)}")
        self.stdout.write(str(target))

    def _pin(self, *, snapshot: int, **options):
        row = _snapshot(snapshot)
        pin.pin(row)
        self.stdout.write(f"{row} of {row.deployment.deployment_id} is pinned and stays.")

    def _unpin(self, *, snapshot: int, **options):
        row = _snapshot(snapshot)
        pin.unpin(row)
        self.stdout.write(f"{row} of {row.deployment.deployment_id} is not pinned; the retention rules decide.")

    def _accept(self, *, snapshot: int, **options):
        row = _snapshot(snapshot)
        options = {"snapshot": row.pk, "mirror": False}
        job = self.job(accept.KIND, options=options, deployment=row.deployment)
        self.mirror([row.deployment], done=f"{str(row).capitalize()} is accepted, but not mirrored.")
        for number in job.result["snapshots"]:
            accepted = _snapshot(number)
            self.stdout.write(f"{accepted}, of {times.to_iso(accepted.taken_at)}, is now good.")


def _add_take(parser, deployment, full) -> None:
    parser.add_argument(
        "--deployment", metavar="ID", default=deployment, help="Which deployment; not needed if there is only one."
    )
    parser.add_argument(
        "--full", action="store_true", default=full, help="Read every row again, whatever the figures say."
    )
    parser.add_argument(
        "--no-mirror", action="store_true", default=full, help="Do not update the mirror; the next snapshot does."
    )


def _with_a_source() -> QuerySet[Deployment]:
    """Return the deployments of which a snapshot can be taken."""
    return Deployment.objects.filter(state__in=Deployment.OPEN).exclude(source=Deployment.Source.UPLOAD)


def _snapshot(number: int) -> Snapshot:
    snapshot = Snapshot.objects.select_related("deployment").filter(pk=number).first()
    if snapshot is None:
        raise NotFound(f"There is no snapshot {number}; `manage.py snapshot list` lists the snapshots.")
    return snapshot
