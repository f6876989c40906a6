"""Who reads a message about a deployment, and how much it may say: some readers must not know of the deployment."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from psynetdata import rights
from psynetdata.models import Deployment


@dataclass(frozen=True)
class Audience:
    """`to`: e-mail addresses, else those of ALARM_EMAILS; `channel`: in Slack, else SLACK_CHANNEL; `thread`: the
    deployment in whose thread it is posted. `knows`: all readers may know which deployment it is about; `places`: they
    may also know where its data comes from."""

    to: tuple[str, ...] = ()
    channel: str = ""
    thread: Deployment | None = None
    knows: bool = True
    places: bool = True


def in_slack(deployment: Deployment | None, owner=None) -> Audience:
    """Return the deployment's own channel, or its thread in the common channel. A restricted deployment is not named
    there and has no thread, which would show what belongs together and mention its experimenter."""
    if deployment is None:
        return Audience()
    own = own_channel(deployment)
    if deployment.restricted and not own:
        return Audience(knows=False)
    return Audience(channel=own, thread=deployment)


def own_channel(deployment: Deployment) -> str:
    """Return the deployment's own channel; empty if it uses the common one."""
    return "" if deployment.slack_channel == settings.SLACK_CHANNEL.removeprefix("#") else deployment.slack_channel


def by_mail(deployment: Deployment | None, owner=None) -> Audience:
    """Return `owner` of an export, if they have an address and may still see it; else ALARM_EMAILS. For a restricted
    deployment only accounts: those named, and those of ALARM_EMAILS that may see it."""
    if owner is not None and owner.email and rights.can_see_deployment(owner, deployment):
        return Audience(to=(owner.email,))
    if deployment is None or not deployment.restricted:
        return Audience()
    people = _who_may_see(deployment)
    if not people:
        return Audience(knows=False)
    to = tuple(sorted({person.email for person in people}))
    return Audience(to=to, places=all(rights.can_see_places(person) for person in people))


def _who_may_see(deployment: Deployment) -> list[User]:
    wanted = Q(pk__in=deployment.people.values("pk"))
    for address in settings.ALARM_EMAILS:
        wanted |= Q(email__iexact=address)
    accounts = User.objects.filter(wanted, is_active=True).exclude(email="")
    return [person for person in accounts if rights.can_see_deployment(person, deployment)]
