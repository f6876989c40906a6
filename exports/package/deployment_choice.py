"""Which deployment, and which of its snapshots, a command or a request names."""

from django.db.models import QuerySet

from exports.models import Snapshot
from exports.sources.registry import KINDS
from psynetdata import deployments
from psynetdata.models import Deployment
from psynetdata.psynet.problems import NotFound, UsageError

# {word of the command `export`: kinds of source}; data that was handed in counts as local.
SOURCES = {str(kind.source): (kind.source,) for kind in KINDS}
SOURCES["local"] += (Deployment.Source.UPLOAD,)
_ONE_NAME = "--app, --deployment and --snapshot each name a deployment; give one of them."


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
    if source not in SOURCES:
        raise UsageError(f"The source of a deployment must be one of {', '.join(SOURCES)}.")
    deployments = among.filter(source__in=SOURCES[source])
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
