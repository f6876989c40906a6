"""Rebuild anonymous faces after a change of what they depend on: a policy decision, a key."""

from exports.models import Snapshot
from psynetdata.models import Deployment, Job

from .mirror_claims import request


def to_mirror(deployment: Deployment) -> list[Deployment]:
    """Return the deployment and all that share its key and policy, as far as they have a good snapshot."""
    return [one for one in deployment.chain() if Snapshot.objects.newest(one) is not None]


def rebuild(deployment: Deployment, *, owner=None) -> list[Job]:
    """Return the jobs that rebuild the faces; until they are done, the faces show the old rows."""
    return [request(one, owner=owner) for one in to_mirror(deployment)]
