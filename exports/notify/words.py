"""Small pieces of messages."""

from django.conf import settings
from django.urls import reverse

_LONGEST = 200  # characters of a label


def address(name: str, *args) -> str:
    """Of a page, with the site's own address before it."""
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


def one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
