"""The channels that are set up. Each sends a Text, or raises Undelivered."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from exports.models import Notice

from . import mail, slack
from .message import Text


@dataclass(frozen=True)
class Channel:
    """`name` stands in rows and never changes; `label` is for people; what has one `key` goes in one message."""

    name: str
    label: str
    send: Callable[[Text], None]
    is_set_up: Callable[[], bool]
    key: Callable[[Notice], Hashable]


_ALL = (
    Channel("slack", "Slack", slack.send, slack.is_set_up, lambda notice: notice.deployment),
    Channel("email", "E-mail", mail.send, mail.is_set_up, mail.recipients),
)


def channels() -> list[Channel]:
    return [channel for channel in _ALL if channel.is_set_up()]


def label_of(name: str) -> str:
    return next((channel.label for channel in _ALL if channel.name == name), name)
