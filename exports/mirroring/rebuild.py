"""Verb: fill anonymous faces anew, after what they are made by has changed: a decision, a key."""

from exports.models import Snapshot
from psynetdata import jobs
from psynetdata.models import Deployment, Job


def to_mirror(deployment: Deployment) -> list[Snapshot]:
    """The newest snapshots of the deployment and all that share its key and policy."""
    newest = map(Snapshot.objects.newest, deployment.chain())
    return [snapshot for snapshot in newest if snapshot is not None]


def rebuild(deployment: Deployment, *, owner=None) -> list[Job]:
    """Jobs that do it; in between the faces show what they showed."""
    return [
        jobs.submit("mirror", options={"snapshot": one.pk}, deployment=one.deployment, owner=owner)
        for one in to_mirror(deployment)
    ]
