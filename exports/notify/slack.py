"""Messages to a Slack channel, by chat.postMessage: a thread for each deployment, which mentions the experimenter."""

import logging
import re
from http.client import HTTPException

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from exports.models import SlackThread
from exports.models.incident import LONGEST_WAIT

from .mentions import mention
from .message import Text
from .undelivered import Undelivered

TIMEOUT = 10  # seconds for each answer from Slack
PATIENCE = 10  # seconds that a worker waits if Slack says when to try again; if longer, the next job tries again
_A_MINUTE = 60  # if Slack gives no number

_WAYS_OUT = {
    "channel_not_found": "see SLACK_CHANNEL, and invite the app to a private channel",
    "not_in_channel": "invite the app to the channel of SLACK_CHANNEL",
    "is_archived": "name another channel in SLACK_CHANNEL",
    "missing_scope": "give the app the scope chat:write and install it again",
}
# Somebody removed the first message of a thread, or another channel has this name now.
_NO_THREAD = ("thread_not_found", "message_not_found", "cannot_reply_to_message")
_TOKEN = "see SLACK_BOT_TOKEN"

# The SDK's own log lines quote Slack's answer; ours is one sentence.
_quiet = logging.getLogger("exports.notify.slack_sdk")
_quiet.setLevel(logging.CRITICAL)


class _Patient(RateLimitErrorRetryHandler):
    """Tries again when Slack says so, if that is soon."""

    def _can_retry(self, *, state, request, response=None, error=None) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        return limited and _seconds(response.headers) <= PATIENCE


def is_set_up() -> bool:
    return bool(settings.SLACK_BOT_TOKEN and settings.SLACK_CHANNEL)


def send(text: Text) -> None:
    """Post into the deployment's thread; an urgent message also appears in the channel. Raises Undelivered."""
    client = _client()
    own, deployment = text.audience.channel, text.audience.thread
    channel = own or settings.SLACK_CHANNEL
    threads = SlackThread.objects.filter(deployment=deployment, channel=channel)
    thread = threads.first() if deployment else None
    escaped = _escaped(f"{text.subject}\n\n{text.body}")
    if deployment:
        escaped = mention(client, deployment.experimenter) + escaped
    try:
        answer = _post(client, own, escaped, thread_ts=thread.ts, reply_broadcast=text.urgent) if thread else None
    except Undelivered as problem:
        if problem.code not in _NO_THREAD:
            raise
        threads.delete()
        answer = None
    if answer is None:
        answer = _post(client, own, escaped)
        if deployment and (ts := str(answer.get("ts") or "")[:40]):
            threads.update_or_create(deployment=deployment, channel=channel, defaults={"ts": ts})


def _client() -> WebClient:
    return WebClient(
        token=settings.SLACK_BOT_TOKEN,
        base_url=f"{settings.SLACK_BASE_URL}/",
        timeout=TIMEOUT,
        retry_handlers=[_Patient(max_retry_count=2)],
        logger=_quiet,
    )


def _post(client: WebClient, own: str, text: str, **thread):
    """Return Slack's answer. `own`: a deployment's own channel; empty: the common one."""
    channel = own or settings.SLACK_CHANNEL
    try:
        return client.chat_postMessage(
            channel=channel, text=text, mrkdwn=False, unfurl_links=False, unfurl_media=False, **thread
        )
    except SlackApiError as error:
        raise _refused(error, own) from None
    except (OSError, HTTPException, SlackClientError, UnicodeError) as error:
        raise Undelivered(f"Slack does not answer at SLACK_BASE_URL ({_why(error)}).") from None


def _refused(error: SlackApiError, own: str) -> Undelivered:
    answer = error.response
    code = str(answer.get("error", ""))
    if answer.status_code == 429:
        wait = min(_seconds(answer.headers), int(LONGEST_WAIT.total_seconds()))
        return Undelivered("Slack accepts no message now (ratelimited); it is tried again later.", wait=wait)
    if not re.fullmatch(r"[a-z_]{1,60}", code):
        # Not Slack's own answer: a proxy's page, or a failing server.
        return Undelivered(f"Slack answers with status {answer.status_code} and no reason.")
    way_out = _WAYS_OUT.get(code, _TOKEN if "auth" in code or "token" in code or "account" in code else "")
    if own:
        way_out = way_out.replace("SLACK_CHANNEL", "“Who sees it”, on its deployment's page")
    return Undelivered(f"Slack refuses the message ({code}){f'; {way_out}' if way_out else ''}.", code=code)


def _seconds(headers) -> int:
    """Return the seconds in Retry-After; the SDK gives values as texts or as lists with one text."""
    header = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = str(header[0] if isinstance(header, list) else header)
    return int(text) if text.isascii() and text.isdecimal() else _A_MINUTE


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # of a URLError
    return "it took too long" if isinstance(reason, TimeoutError) else type(reason).__name__


def _escaped(text: str) -> str:
    """Escape Slack's three control characters: nothing in a label becomes a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
