"""Anonymous faces that lack identifiers: another deployment, or a snapshot that is not the newest, brought them."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from exports.ledger.collection import states
from exports.models import Snapshot
from psynetdata.models import Deployment, Job

from . import mirror_claims

# After a mirror job that failed, nothing is requested for this long.
_PAUSE = timedelta(hours=1)


def send_outdated() -> list[Job]:
    """Request a mirror job for each deployment whose last one knew another state of the ledger."""
    now = states()
    mirrors = Job.objects.filter(deployment=OuterRef("pk"), kind=mirror_claims.KIND).order_by("-pk")
    last = mirrors.filter(state=Job.State.DONE, result__has_key="ledger").values("result__ledger")[:1]
    failed = mirrors.filter(state=Job.State.FAILED, finished_at__gt=timezone.now() - _PAUSE)
    good = Snapshot.objects.good().filter(deployment=OuterRef("pk"))
    chosen = Deployment.objects.filter(Exists(good), ~Exists(failed), pk__in=now).annotate(knows=Subquery(last))
    return [mirror_claims.request(one) for one in chosen.order_by("number") if one.knows != now[one.pk]]
