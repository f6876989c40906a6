"""The options of an export, and requesting one."""

from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec

from django.db import transaction
from django.db.models import QuerySet

from exports.assets import plan
from exports.models import Export, Snapshot
from exports.sources.asset_urls import check_assets_url
from psynetdata import deployments, jobs
from psynetdata.anonymize.policy.rules import LEVELS
from psynetdata.anonymize.rows.options import Options
from psynetdata.infra.processes import cores
from psynetdata.models import Audit, Deployment, Job
from psynetdata.psynet.problems import Conflict, NotFound, UsageError

from . import participant_list

KIND = "export"
REGULAR, ANONYMOUS = "regular", "anonymous"
TYPES = ("psynet", "database")
_MODES = {"yes": (ANONYMOUS,), "no": (REGULAR,), "both": (REGULAR, ANONYMOUS)}
FORMATS = ("csv", "parquet")
_CHOICES = {
    "anonymize": tuple(_MODES), "level": LEVELS, "assets": plan.WHICH, "type": TYPES, "format": FORMATS,
}  # fmt: skip
_SWITCHES = ("no_source", "strict_assets", "excel")
MOST_PROCESSES = 64
_SOURCES = {
    "local": (Deployment.Source.LOCAL, Deployment.Source.UPLOAD),
    "ssh": (Deployment.Source.SSH,),
    "heroku": (Deployment.Source.HEROKU,),
}
_ONE_NAME = "--app, --deployment and --snapshot each name a deployment; give one of them."
_OF_ANONYMOUS = [field.name for field in fields(Options)]


@dataclass(frozen=True)
class ExportOptions:
    """PsyNet's flags, with PsyNet's meanings and defaults (psynet.command_line, export). Raises UsageError.

    `participants`: ids of those whose rows are exported (psynet.ownership); None: all rows.
    """

    anonymize: str = "both"
    level: str = "shared"
    assets: str = "experiment"
    type: str = "psynet"
    no_source: bool = False
    strict_assets: bool = False
    pseudonyms: str = "hmac"
    drop_text: bool = False
    shift_dates: bool = False
    coarsen: str = ""
    format: str = "csv"
    excel: bool = False
    n_parallel: int | None = None
    participants: tuple[int, ...] | None = None

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(f"The export's {name} must be one of {', '.join(choices)}.")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"The export's {name} must be true or false.")
        parallel = self.n_parallel
        if parallel is not None and (type(parallel) is not int or not 1 <= parallel <= MOST_PROCESSES):
            raise UsageError(f"The export's n_parallel must be a whole number from 1 to {MOST_PROCESSES}.")
        if self.participants is not None:
            object.__setattr__(self, "participants", participant_list.checked(self.participants))
        self._check_together()

    def _check_together(self) -> None:
        """Raise UsageError if options contradict each other."""
        if self.anonymizing != Options() and ANONYMOUS not in self.modes:
            raise UsageError(f"{', '.join(_OF_ANONYMOUS)} are for anonymized exports; this one is not anonymized.")
        if self.type == "database" and (self.format != "csv" or self.excel):
            raise UsageError("A database export is only database.zip; format and excel are for the type psynet.")
        if self.format == "parquet" and self.excel:
            raise UsageError("excel is for CSV; a Parquet file needs no byte-order mark and runs no formula.")

    @property
    def anonymizing(self) -> Options:
        """Return the options of the anonymizer. Raises UsageError."""
        return Options(**{name: getattr(self, name) for name in _OF_ANONYMOUS})

    @classmethod
    def from_json(cls, content: object) -> "ExportOptions":
        known = [field.name for field in fields(cls)]
        if not isinstance(content, dict):
            raise UsageError("The options of an export must be an object with names and values.")
        if strange := sorted(str(name) for name in content.keys() - set(known)):
            raise UsageError(f"An export has no option {', '.join(strange)}; the options are {', '.join(known)}.")
        return cls(**content)

    def to_json(self) -> dict:
        return asdict(self)

    @property
    def modes(self) -> tuple[str, ...]:
        """The archives to make: `regular`, `anonymous` or both."""
        return _MODES[self.anonymize]

    @property
    def processes(self) -> int:
        """How many processes work at the same time: by default one for each core, at most four for each core.

        The archives do not depend on it.
        """
        return min(self.n_parallel or cores(), 4 * cores())

    @property
    def wants_assets(self) -> bool:
        return self.type == "psynet" and self.assets != "none"


def request_export(
    deployment: Deployment,
    options: ExportOptions,
    *,
    owner=None,
    snapshot: Snapshot | None = None,
    here: bool = False,
) -> Export:
    """Create an Export with its job, and record it. The job goes to the slow cluster, or with `here` to `run_here`.

    Without `snapshot` the newest good one is taken. The caller checks that `owner` may have these archives
    (psynetdata.rights.can_export). Raises Conflict if there is no good snapshot, and UsageError if the assets'
    location is of an unknown kind.
    """
    chosen = _good_snapshot(deployment, snapshot)
    if options.format == "parquet":
        _check_pyarrow()
    if options.wants_assets:
        check_assets_url(deployment.assets_url)
    with transaction.atomic():
        export = Export.objects.create(
            deployment=deployment,
            snapshot=chosen,
            job=_job(deployment, owner, here),
            owner=owner if getattr(owner, "is_authenticated", False) else None,
            options=options.to_json(),
        )
        Audit.record(
            KIND,
            user=owner,
            deployment=deployment,
            target=export,
            identified=REGULAR in options.modes,
            snapshot=chosen.id,
            **options.to_json(),
        )
    return export


def run_here(export: Export, *, on_progress=None) -> None:
    """Run the export's job in this process; its Problem is raised to the caller."""
    jobs.run(export.job_id, on_progress=on_progress, raise_problems=True)


def chosen(
    deployment_id: str | None,
    snapshot_id: int | None = None,
    *,
    source: str | None = None,
    app: str | None = None,
    server: str | None = None,
) -> tuple[Deployment, Snapshot | None]:
    """Return the deployment and snapshot that the caller named. If only one deployment fits, none needs to be named.

    `source` is local, ssh or heroku (a loaded file is local), `app` is the end of the deployment's address, `server`
    the host in it.
    Raises NotFound if it does not exist, UsageError if several fit or if the names contradict each other.
    """
    if app is not None and snapshot_id is not None:
        raise UsageError(_ONE_NAME)
    among = Deployment.objects.all()
    if snapshot_id is None:
        return named(among, deployment_id, source=source, app=app, server=server, how="--deployment"), None
    snapshot = Snapshot.objects.select_related("deployment").filter(pk=snapshot_id).first()
    if snapshot is None:
        raise NotFound(f"There is no snapshot {snapshot_id}.")
    if deployment_id is None and source is None and server is None:
        return snapshot.deployment, snapshot
    asked = deployment_id or snapshot.deployment.deployment_id
    return named(among, asked, source=source, server=server, how="--deployment"), snapshot


def named(
    among: QuerySet[Deployment],
    asked: str | None,
    *,
    source: str | None = None,
    app: str | None = None,
    server: str | None = None,
    how: str,
) -> Deployment:
    """Return the deployment of `among` with this id or app; without one, the only one of that source and server."""
    if app is not None and asked is not None:
        raise UsageError(_ONE_NAME)
    if source is not None:
        among = _of_source(among, source)
    if server is not None:
        among = _on_server(among, server)
    return deployments.chosen(among, asked, how=how) if app is None else _of_app(among, app)


def _of_source(among: QuerySet[Deployment], source: str) -> QuerySet[Deployment]:
    if source not in _SOURCES:
        raise UsageError(f"The source of a deployment must be one of {', '.join(_SOURCES)}.")
    deployments = among.filter(source__in=_SOURCES[source])
    if not deployments.exists():
        raise NotFound(f"There is no deployment here whose source is {source}; see `manage.py deployment list`.")
    return deployments


def _on_server(among: QuerySet[Deployment], server: str) -> QuerySet[Deployment]:
    numbers = [one.pk for one in among if one.server == server.lower()]
    if not numbers:
        raise NotFound(
            f"There is no deployment here on a server called {server[:100]!r}; see `manage.py deployment list`."
        )
    return among.filter(pk__in=numbers)


def _of_app(among: QuerySet[Deployment], app: str) -> Deployment:
    """Return the deployment of an app; of several launches the one that is being watched."""
    matching = [deployment for deployment in among if _is_called(deployment, app)]
    if not matching:
        raise NotFound(
            f"There is no deployment here of an app called {app[:100]!r}; name one by its id with --deployment, "
            "as listed by `manage.py deployment list`."
        )
    watched = [deployment for deployment in matching if deployment.state in Deployment.OPEN] or matching
    if len(watched) > 1:
        servers = {deployment.server for deployment in watched}
        how = "--server or --deployment" if len(servers) == len(watched) else "--deployment"
        raise deployments.Several(how, [deployment.deployment_id for deployment in watched])
    return watched[0]


def _is_called(deployment: Deployment, app: str) -> bool:
    """Compare names. On Heroku, Dallinger adds `dlgr-` to a name and cuts it (dallinger.heroku.tools.app_name)."""
    at_heroku = deployment.source == Deployment.Source.HEROKU and deployment.app == f"dlgr-{app[:18]}"
    return deployment.app == app or at_heroku


def _good_snapshot(deployment: Deployment, snapshot: Snapshot | None) -> Snapshot:
    if snapshot is None:
        snapshot = Snapshot.objects.newest(deployment)
        if snapshot is None:
            raise Conflict(f"Deployment {deployment.deployment_id} has no good snapshot yet; load or take one first.")
    elif snapshot.deployment_id != deployment.number:
        raise Conflict(f"Snapshot {snapshot.id} does not belong to deployment {deployment.deployment_id}.")
    elif snapshot.state != Snapshot.State.GOOD:
        raise Conflict(f"Snapshot {snapshot.id} is {snapshot.state}; only good snapshots can be exported.")
    return snapshot


def _job(deployment: Deployment, owner, here: bool) -> Job:
    make = jobs.prepare if here else jobs.submit
    return make(KIND, deployment=deployment, owner=owner)


def _check_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed here; run `pip install -r requirements-parquet.txt`, "
            "or choose the format csv."
        )
