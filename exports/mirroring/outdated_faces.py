"""Anonymous faces that lack identifiers: another deployment, or a snapshot that is not the newest, brought them."""

from exports.ledger.collection import states
from exports.models import Snapshot
from psynetdata.models import Deployment, Job

from . import mirror_claims


def send_outdated() -> list[Job]:
    """Request a mirror job for each deployment whose last one knew another state of the ledger."""
    now = states()
    done = Job.objects.filter(kind=mirror_claims.KIND, state=Job.State.DONE, result__has_key="ledger")
    known = dict(done.order_by("finished_at").values_list("deployment", "result__ledger"))
    deployments = Deployment.objects.filter(pk__in=[pk for pk, state in now.items() if known.get(pk) != state])
    mirrored = [one for one in deployments.order_by("number") if Snapshot.objects.newest(one) is not None]
    return [mirror_claims.request(one) for one in mirrored]
