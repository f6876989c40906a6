"""Who may know of a deployment: everybody who may see deployments, or the people named and no one else."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from psynetdata.models import Audit, Deployment


def set_access(deployment: Deployment, *, restricted: bool, people: Iterable[User], user=None) -> bool:
    """Of all launches that continue each other, since they hold the same people's data. False: it was so already.

    The names stay when the restriction is lifted, and hold again when it comes back.
    """
    named = sorted({person.pk for person in people})
    with transaction.atomic():
        rows = list(Deployment.objects.select_for_update().filter(pk__in=[one.pk for one in deployment.chain()]))
        changed = [row for row in rows if row.restricted != restricted or _named(row) != named]
        for row in changed:
            row.restricted = restricted
            row.save(update_fields=["restricted"])
            row.people.set(named)
            Audit.record(
                "access", user=user, deployment=row, target=row.deployment_id, restricted=restricted, people=named
            )
    return bool(changed)


def _named(row: Deployment) -> list[int]:
    return sorted(row.people.values_list("pk", flat=True))
