"""Sets who may know of a deployment (all users who may see deployments, or only the people named), and its Slack
channel."""

import re
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import UsageError

# The id of a channel, or its name; nothing that Slack could interpret as a command or a person.
_CHANNEL = re.compile(r"[^\W_][\w.-]{0,79}")


def set_access(
    deployment: Deployment, *, restricted: bool, people: Iterable[User], slack_channel: str | None = None, user=None
) -> bool:
    """Set access to all launches that continue each other, because they contain the same people's data.

    Returns False if nothing changed. The names are kept when the restriction is removed, and apply again when it is
    set again. `slack_channel`: None leaves it unchanged. Raises UsageError for an invalid channel.
    """
    details = {"restricted": restricted}
    if slack_channel is not None:
        details["slack_channel"] = checked_channel(slack_channel)
    named = sorted({person.pk for person in people})
    with transaction.atomic():
        rows = list(Deployment.objects.select_for_update().filter(pk__in=[one.pk for one in deployment.chain()]))
        changed = [row for row in rows if _named(row) != named or any(getattr(row, k) != v for k, v in details.items())]
        for row in changed:
            for name, value in details.items():
                setattr(row, name, value)
            row.save(update_fields=list(details))
            row.people.set(named)
            Audit.record("access", user=user, deployment=row, target=row.deployment_id, people=named, **details)
    return bool(changed)


def checked_channel(text: str) -> str:
    """Return a Slack channel's id or name, without `#`; "" for none. Raises UsageError."""
    name = text.strip().removeprefix("#")
    if name and not _CHANNEL.fullmatch(name):
        raise UsageError(
            "This is not a Slack channel: enter its id, at the end of its About page (C0123456789), or its name."
        )
    return name


def _named(row: Deployment) -> list[int]:
    return sorted(row.people.values_list("pk", flat=True))
