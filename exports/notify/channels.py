"""The channels that are set up. Each sends a Text, or raises Undelivered."""

from collections.abc import Callable
from dataclasses import dataclass

from . import audience, mail, slack
from .audience import Audience
from .message import Text


@dataclass(frozen=True)
class Channel:
    """`name` is stored in rows and never changes; `label` is for people. `audience(deployment, owner)`: who reads it;
    notices with the same readers go into one message."""

    name: str
    label: str
    send: Callable[[Text], None]
    is_set_up: Callable[[], bool]
    audience: Callable[..., Audience]


_ALL = (
    Channel("slack", "Slack", slack.send, slack.is_set_up, audience.in_slack),
    Channel("email", "E-mail", mail.send, mail.is_set_up, audience.by_mail),
)


def channels() -> list[Channel]:
    return [channel for channel in _ALL if channel.is_set_up()]


def label_of(name: str) -> str:
    return next((channel.label for channel in _ALL if channel.name == name), name)
