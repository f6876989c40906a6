"""Messages to a Slack channel, by chat.postMessage."""

import logging
import re
from http.client import HTTPException

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from .message import Text
from .problems import Undelivered

TIMEOUT = 10  # seconds for each answer of Slack's
PATIENCE = 10  # seconds that a worker waits where Slack says when to come again; beyond, the job after it does
_LONGEST_WAIT = 3600
_A_MINUTE = 60  # where Slack says no number

_WAYS_OUT = {
    "channel_not_found": "see SLACK_CHANNEL, and invite the app to a private channel",
    "not_in_channel": "invite the app to the channel of SLACK_CHANNEL",
    "is_archived": "name another channel in SLACK_CHANNEL",
    "missing_scope": "give the app the scope chat:write and install it again",
}
_TOKEN = "see SLACK_BOT_TOKEN"

# The SDK's own lines quote what Slack answered; ours is one sentence.
_quiet = logging.getLogger("exports.notify.slack_sdk")
_quiet.setLevel(logging.CRITICAL)


class _Patient(RateLimitErrorRetryHandler):
    """Comes again when Slack says so, if that is soon."""

    def _can_retry(self, *, state, request, response=None, error=None) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        return limited and _seconds(response.headers) <= PATIENCE


def is_set_up() -> bool:
    return bool(settings.SLACK_BOT_TOKEN and settings.SLACK_CHANNEL)


def send(text: Text) -> None:
    """Raises Undelivered."""
    client = WebClient(
        token=settings.SLACK_BOT_TOKEN,
        base_url=f"{settings.SLACK_BASE_URL}/",
        timeout=TIMEOUT,
        retry_handlers=[_Patient(max_retry_count=2)],
        logger=_quiet,
    )
    try:
        client.chat_postMessage(
            channel=settings.SLACK_CHANNEL,
            text=_escaped(f"{text.subject}\n\n{text.body}"),
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
        )
    except SlackApiError as error:
        raise _refused(error) from None
    except (OSError, HTTPException, SlackClientError, UnicodeError) as error:
        raise Undelivered(f"Slack does not answer at SLACK_BASE_URL ({_why(error)}).") from None


def _refused(error: SlackApiError) -> Undelivered:
    answer = error.response
    code = str(answer.get("error", ""))
    if answer.status_code == 429:
        wait = min(_seconds(answer.headers), _LONGEST_WAIT)
        return Undelivered("Slack takes no message now (ratelimited); it is tried again later.", wait=wait)
    if not re.fullmatch(r"[a-z_]{1,60}", code):
        # No answer of Slack's own: a proxy's page, or a server in trouble.
        return Undelivered(f"Slack answers with status {answer.status_code} and no reason.")
    way_out = _WAYS_OUT.get(code, _TOKEN if "auth" in code or "token" in code or "account" in code else "")
    return Undelivered(f"Slack refuses the message ({code}){f'; {way_out}' if way_out else ''}.")


def _seconds(headers) -> int:
    """What Retry-After says; the SDK hands values over as texts or as lists of one."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = str(found[0] if isinstance(found, list) else found)
    return int(text) if text.isascii() and text.isdecimal() else _A_MINUTE


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # of a URLError
    return "it took too long" if isinstance(reason, TimeoutError) else type(reason).__name__


def _escaped(text: str) -> str:
    """Slack's three control characters: nothing in a label becomes a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
