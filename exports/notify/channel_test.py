"""A test message through every channel that is set up, and into the Slack channels of single deployments."""

from psynetdata.models import Deployment

from . import slack
from .audience import Audience, own_channel
from .channels import channels
from .message import test_message
from .undelivered import Undelivered


def try_channels() -> list[tuple[str, str]]:
    """(where it went, why it was not taken); an empty text where it was. Needs no database."""
    return [(channel.label, _try(channel.send, Audience())) for channel in channels()]


def try_own_channels() -> list[tuple[str, str]]:
    """The same for those of deployments."""
    found = own_channels().items()
    return [(f"Slack, the channel of {row}", _try(slack.send, Audience(channel=own))) for own, row in found]


def own_channels() -> dict[str, Deployment]:
    """{channel: a deployment, the newest, whose own it is}; of those that may still have something to tell."""
    if not slack.is_set_up():
        return {}
    rows = Deployment.objects.filter(state__in=Deployment.OPEN).exclude(slack_channel="").order_by("number")
    return {own: row for row in rows if (own := own_channel(row))}


def _try(send, audience: Audience) -> str:
    try:
        send(test_message(audience))
    except Undelivered as problem:
        return problem.sentence
    return ""
