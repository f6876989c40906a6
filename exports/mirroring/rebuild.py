"""Rebuild anonymous faces after a change of what they depend on: a policy decision, a key."""

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment, Job


def to_mirror(deployment: Deployment) -> list[Snapshot]:
    """Return the newest snapshots of the deployment and of all that share its key and policy."""
    newest = map(Snapshot.objects.newest, deployment.chain())
    return [snapshot for snapshot in newest if snapshot is not None]


def rebuild(deployment: Deployment, *, owner=None) -> list[Job]:
    """Submit the jobs that rebuild the faces; until they are done, the faces show the old rows."""
    return [
        jobs.submit("mirror", options={"snapshot": one.pk}, deployment=one.deployment, owner=owner)
        for one in to_mirror(deployment)
    ]
