"""Send a test message through every channel that is set up, and to the Slack channels of single deployments."""

from psynetdata.models import Deployment

from . import slack
from .audience import Audience, own_channel
from .channels import channels
from .message import test_message
from .undelivered import Undelivered


def try_channels() -> list[tuple[str, str]]:
    """Return (where it went, why it failed) for each channel; an empty text if it succeeded. Needs no database."""
    return [(channel.label, _try(channel.send, Audience())) for channel in channels()]


def try_own_channels() -> list[tuple[str, str]]:
    """Return (where it went, why it failed) for the deployments' own channels; an empty text if it succeeded."""
    channel = own_channels().items()
    return [(f"Slack, the channel of {row}", _try(slack.send, Audience(channel=own))) for own, row in channel]


def own_channels() -> dict[str, Deployment]:
    """Return {channel: the newest deployment that has it as its own}, of deployments that may still send messages."""
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
