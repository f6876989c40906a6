"""A test message through every channel that is set up."""

from .channels import Channel, channels
from .message import test_message
from .problems import Undelivered


def try_channels() -> list[tuple[Channel, str]]:
    """(channel, why it did not take the message); an empty text where it did."""
    return [(channel, _try(channel)) for channel in channels()]


def _try(channel: Channel) -> str:
    try:
        channel.send(test_message())
    except Undelivered as problem:
        return problem.sentence
    return ""
