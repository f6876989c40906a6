"""Parts of messages."""

from django.conf import settings
from django.urls import reverse

from psynetdata.models import Deployment

from .audience import Audience

_LONGEST = 200  # characters of a label


def address(name: str, *args) -> str:
    """Return a page's address, with the site's own address before it."""
    return f"{settings.SITE_URL}{reverse(name, args=args)}"


def name_of(deployment: Deployment | None, audience: Audience) -> str:
    """Return the name that these readers may see; "" for the desk itself."""
    if deployment is None:
        return ""
    return one_line(str(deployment)) if audience.knows else "a deployment with restricted access"


def one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
