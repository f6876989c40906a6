import sys
from pathlib import Path

from django.db.models import Count, Sum

from exports.assets import background_fetch
from exports.management.text_table import table
from exports.models import Incident, Snapshot
from exports.operations import deployments, retire
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from exports.operations.deployments import AddedDeployment
from exports.sources import registry
from exports.sources.base import HostKey
from psynetdata.deployments import chosen
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import BadInput, Conflict, UsageError

_VERBS = {
    "pause": (deployments.pause, "Take no more scheduled snapshots, until it is resumed."),
    "resume": (deployments.resume, "Take scheduled snapshots again."),
    "archive": (deployments.archive, "Close it: it is not watched any more; its history stays."),
}
_OF_PLACE = ("url", "secret_env", "hosts", "experiment", "experiment_env", "every")
_SAYS = {"pause": "paused", "resume": "watched again", "archive": "archived"}


class Command(BaseCommand):
    help = "Register running experiments, and control which are watched."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        add = verbs.add_parser("add", help="Register the experiment at a database's address, after a look at it.")
        add.add_argument("url", metavar="URL", help=" or ".join(kind.example for kind in registry.KINDS))
        add.add_argument("--id", metavar="ID", help="Its deployment_id, if the database does not say it.")
        add.add_argument("--label", help="Its label; by default the experiment's own.")
        add.add_argument("--assets", metavar="URL", help="Where its asset files are; see `deployment assets`.")
        add.add_argument(
            "--every", type=int, metavar="SECONDS", help="Between snapshots: 60 (default) or more; 0: only on request."
        )
        add.add_argument("--password-env", metavar="NAME", help="The environment variable that holds the password.")
        ssh = add.add_argument_group("for ssh://")
        ssh.add_argument("--fingerprint", metavar="SHA256:…", help="Of the server's host key, as you know it.")
        ssh.add_argument("--key", metavar="FILE", help="The private key; by default SSH_KEY, or the agent's keys.")
        ssh.add_argument("--key-env", metavar="NAME", help="The environment variable that holds the private key.")
        self._add_assets(verbs.add_parser("assets", help="Show where its asset files are; change what is given."))
        verbs.add_parser("list", help="List all deployments.")
        retiring = verbs.add_parser("retire", help="Bring everything on its server here, and report what is missing.")
        retiring.add_argument("id", metavar="ID", nargs="?")
        for verb, (_, what) in _VERBS.items():
            verbs.add_parser(verb, help=what).add_argument("id", metavar="ID", nargs="?")

    def _add_assets(self, parser):
        parser.add_argument("id", metavar="ID", nargs="?")
        parser.add_argument("--url", help="file:///folder, s3://bucket/prefix?endpoint_url=…, sftp://… or https://…")
        parser.add_argument("--secret-env", metavar="NAME", help="The environment variable with its password or key.")
        parser.add_argument("--known-hosts", metavar="FILE", type=Path, help="The SFTP server's key, as ssh stores it.")
        parser.add_argument("--hosts", metavar="LIST", help="Hosts that external assets may name, separated by commas.")
        parser.add_argument(
            "--experiment", metavar="URL", help="The experiment's own address, for on-demand assets and source code."
        )
        parser.add_argument(
            "--experiment-env",
            metavar="NAME",
            help="The variable that holds user:password of its dashboard.",
        )
        parser.add_argument(
            "--every", type=int, metavar="MINUTES", help="Between fetches while it runs; 0: only for exports."
        )
        parser.add_argument("--fetch", action="store_true", help="Fetch all missing files now.")

    def run(self, *, verb: str, **options):
        if verb == "add":
            self._add(**options)
        elif verb == "assets":
            self._assets(**options)
        elif verb == "retire":
            self._retire(options["id"])
        elif verb == "list":
            self._list()
        else:
            deployment = chosen(Deployment.objects.all(), options["id"], how=f"`deployment {verb} ID`")
            _VERBS[verb][0](deployment)
            self.stdout.write(f"{deployment.deployment_id} is {_SAYS[verb]}.")

    def _add(self, *, url: str, fingerprint: str | None, **options) -> None:
        key = deployments.host_key(url, fingerprint=fingerprint or "")
        if key is None and (fingerprint or options["key"] or options["key_env"]):
            raise UsageError("--fingerprint, --key and --key-env are for ssh:// addresses.")
        if key is not None and not fingerprint:
            self._confirm(key)
        added = deployments.add(
            url,
            deployment_id=options["id"],
            label=options["label"],
            assets=options["assets"],
            every=options["every"],
            password_env=options["password_env"],
            key=deployments.key_reference(file=options["key"], variable=options["key_env"]) if key else "",
            known_hosts=key.line if key else "",
        )
        self._print_added(added)

    def _confirm(self, key: HostKey) -> None:
        """Ask the user to confirm a host key. Raises UsageError if nobody does."""
        shown = f"{key.host} shows the host key {key.fingerprint} ({key.kind})."
        if not sys.stdin.isatty():
            raise UsageError(
                f"{shown} If that is the fingerprint from its administrator, or the one that `ssh-keygen -l` shows on "
                "the server, run the command again with --fingerprint and this value."
            )
        self.stdout.write(f"{shown}\nIs that the fingerprint from its administrator, or from `ssh-keygen -l` there?")
        if input("yes or no: ").strip().lower() != "yes":
            raise UsageError("Nothing was registered.")

    def _assets(self, *, id: str | None, known_hosts, fetch, **options):
        deployment = chosen(Deployment.objects.all(), id, how="`deployment assets ID`")
        keys = None if known_hosts is None else _text_of(known_hosts)
        asked = {name: options[name] for name in _OF_PLACE}
        set_asset_location(deployment, AssetLocationSettings(**asked, known_hosts=keys))
        for name, value in _asset_facts(deployment):
            self.stdout.write(f"{name:<16} {value}")
        if fetch:
            result = self.job(background_fetch.KIND, options={"whole": True}, deployment=deployment).result
            self.stdout.write(f"\n{result['fetched']} files were fetched, {result['bytes']:,} bytes.")
            for reason, count in sorted(result["missing"].items()):
                self.warn(f"{count} are missing: {reason}.")

    def _retire(self, id: str | None) -> None:
        deployment = chosen(Deployment.objects.all(), id, how="`deployment retire ID`")
        result = self.job(retire.KIND, deployment=deployment).result
        for sentence in result["done"]:
            self.stdout.write(sentence)
        for sentence in result["missing"]:
            self.stdout.write(f"MISSING: {sentence}")
        if not result["safe"]:
            count = len(result["missing"])
            things = "1 thing is" if count == 1 else f"{count} things are"
            raise Conflict(f"{deployment.deployment_id} is NOT safe to destroy: {things} missing here.")
        self.stdout.write(f"{deployment.deployment_id} is safe to destroy; it is archived here.")

    def _print_added(self, added: AddedDeployment) -> None:
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
            ("assets", deployment.assets_url or "(no folder with its files was found; give one with --assets)"),
            ("snapshots", _every(deployment)),
        )
        for name, value in facts:
            self.stdout.write(f"{name:<11} {value}")
        number = deployment.number
        known = f"Registered as number {number}." if added.created else f"It was already known as number {number}."
        self.stdout.write(f"\n{known} The desk takes its snapshots; `manage.py snapshot` takes one immediately.")

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
                    f"{one.source} {one.app} on {one.server}" if one.source == Deployment.Source.SSH else one.source,
                    _every(one) if one.source != Deployment.Source.UPLOAD else None,
                    times.to_iso(newest.taken_at.replace(microsecond=0)) if newest else None,
                    ", ".join(incident.get_kind_display() for incident in open_ones),
                )
            )
        if not rows:
            self.stdout.write("There are no deployments yet; add one with `deployment add URL` or `load PATH`.")
            return
        header = ["", "deployment", "label", "state", "source", "snapshots", "newest", "alarms"]
        self.stdout.write("\n".join(table(header, rows)))


def _asset_facts(deployment: Deployment) -> list[tuple[str, str]]:
    kept = deployment.stored_assets.aggregate(files=Count("pk"), bytes=Sum("bytes"))
    every = deployment.assets_every
    return [
        ("assets", deployment.assets_url or "(their location is not known)"),
        ("opened with", _reference(deployment.assets_secret) or "what this machine has"),
        ("known hosts", "its own" if deployment.assets_known_hosts else "those of this machine"),
        ("external hosts", deployment.assets_hosts or "any public one"),
        ("experiment", deployment.experiment_url or "(not known; on-demand assets cannot be fetched)"),
        ("its login", _reference(deployment.experiment_secret) or "(not known; its source code cannot be fetched)"),
        ("fetched", f"every {every} minutes while it runs" if every else "only for exports"),
        ("here", f"{kept['files']} files, {kept['bytes'] or 0:,} bytes"),
    ]


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise BadInput("The file that --known-hosts names cannot be read.") from None


def _every(deployment: Deployment) -> str:
    return f"every {deployment.every} s" if deployment.every else "only on request"


def _password(deployment: Deployment) -> str:
    own_way = registry.kind_of_url(deployment.source_url).own_way
    return _reference(deployment.source_secret) or f"(none kept; {own_way})"


def _reference(reference: str) -> str:
    """Return in words where a secret is kept; empty if there is none."""
    kind, _, name = reference.partition(":")
    return {"": "", "env": f"the environment variable {name}"}.get(kind, "the given one; it is stored encrypted")
