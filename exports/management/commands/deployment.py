from exports.management.table import table
from exports.models import Incident, Snapshot
from exports.snapshots import deployments
from exports.snapshots.deployments import Added
from psynetdata.deployments import chosen
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet import times

_VERBS = {
    "pause": (deployments.pause, "Take no snapshots by itself any more, until resumed."),
    "resume": (deployments.resume, "Watch it again."),
    "archive": (deployments.archive, "It is over: watched no more; its history stays."),
}
_SAYS = {"pause": "paused", "resume": "watched again", "archive": "archived"}


class Command(BaseCommand):
    help = "Register running experiments, and say which are watched."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add = verbs.add_parser("add", help="Register the experiment at a database's address, after a look at it.")
        add.add_argument("url", metavar="URL", help="postgres://user[:password]@host:5432/database")
        add.add_argument("--id", metavar="ID", help="Its deployment_id, where the database does not say it.")
        add.add_argument("--label", help="What people call it; by default what the experiment calls itself.")
        add.add_argument("--assets", metavar="URL", help="Where its asset files live, like file:///folder.")
        add.add_argument(
            "--every", type=int, metavar="SECONDS", help="Between snapshots: 60 (default) or more; 0: only when asked."
        )
        add.add_argument("--password-env", metavar="NAME", help="The environment variable that holds the password.")
        verbs.add_parser("list", help="All deployments.")
        for verb, (_, what) in _VERBS.items():
            verbs.add_parser(verb, help=what).add_argument("id", metavar="ID", nargs="?")

    def run(self, *, verb: str, **options):
        if verb == "add":
            self._tell_added(
                deployments.add(
                    options["url"],
                    deployment_id=options["id"],
                    label=options["label"],
                    assets=options["assets"],
                    every=options["every"],
                    password_env=options["password_env"],
                )
            )
        elif verb == "list":
            self._list()
        else:
            deployment = chosen(Deployment.objects.all(), options["id"], how=f"`deployment {verb} ID`")
            _VERBS[verb][0](deployment)
            self.stdout.write(f"{deployment.deployment_id} is {_SAYS[verb]}.")

    def _tell_added(self, added: Added) -> None:
        deployment, probe = added.deployment, added.probe
        facts = (
            ("deployment", deployment.deployment_id),
            ("label", deployment.label or "(none)"),
            ("source", deployment.source_url),
            ("password", _password(deployment)),
            ("server", f"PostgreSQL {probe.version}, {probe.tables} tables, {probe.bytes:,} bytes"),
            ("PsyNet", probe.info.psynet_version or "(not known)"),
            ("rows", ", ".join(f"{count} in {name}" for name, count in probe.rows.items())),
            ("clock", times.offset_words(deployment.clock_offset)),
            ("assets", deployment.assets_url or "(no folder with its files was found; name one with --assets)"),
            ("snapshots", _every(deployment)),
        )
        for name, value in facts:
            self.stdout.write(f"{name:<11} {value}")
        number = deployment.number
        known = f"Registered as number {number}." if added.created else f"It was known here as number {number}."
        self.stdout.write(f"\n{known} The desk takes its snapshots; `manage.py snapshot` takes one at once.")

    def _list(self) -> None:
        rows = []
        for one in Deployment.objects.order_by("number"):
            newest = Snapshot.objects.newest(one)
            open_ones = Incident.objects.filter(deployment=one, ended_at__isnull=True)
            rows.append(
                (
                    one.number,
                    one.deployment_id,
                    one.label,
                    one.state,
                    one.source,
                    _every(one) if one.source != Deployment.Source.UPLOAD else None,
                    times.to_iso(newest.taken_at.replace(microsecond=0)) if newest else None,
                    ", ".join(incident.get_kind_display() for incident in open_ones),
                )
            )
        if not rows:
            self.stdout.write("There is no deployment yet; `deployment add URL` or `load PATH` makes one.")
            return
        header = ["", "deployment", "label", "state", "source", "snapshots", "newest", "alarms"]
        self.stdout.write("\n".join(table(header, rows)))


def _every(deployment: Deployment) -> str:
    return f"every {deployment.every} s" if deployment.every else "only when asked for"


def _password(deployment: Deployment) -> str:
    reference = deployment.source_secret
    if not reference:
        return "(none kept; libpq looks in PGPASSWORD and ~/.pgpass)"
    kind, _, name = reference.partition(":")
    return f"from the environment variable {name}" if kind == "env" else "sealed, and kept apart"
