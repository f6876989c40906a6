"""Find an experimenter in Slack by the name in the experiment's configuration."""

from hashlib import sha256
from http.client import HTTPException

from django.conf import settings
from django.core.cache import cache
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

KEEP = 3600  # seconds; also for a workspace that does not show its members' names
_PAGES, _A_PAGE = 20, 200  # of members that are searched


def mention(client: WebClient, name: str) -> str:
    """Return `<@U012AB3CD> `, with which Slack notifies that person; empty if the name fits nobody or several people.

    Needs the scope `users:read`. Without it, or after any other failure, the message is sent without a mention.
    """
    if not name.strip():
        return ""
    place = sha256(f"{settings.SLACK_BASE_URL} {settings.SLACK_BOT_TOKEN}".encode()).hexdigest()
    known = cache.get_or_set(f"slack-members-{place}", lambda: _members(client), KEEP)
    ids = known.get(name.strip().casefold(), set())
    return f"<@{next(iter(ids))}> " if len(ids) == 1 else ""


def _members(client: WebClient) -> dict[str, set[str]]:
    """Return {name in lower case: ids of the members with that name}."""
    ids_by_name: dict[str, set[str]] = {}
    cursor = ""
    try:
        for _ in range(_PAGES):
            answer = client.users_list(limit=_A_PAGE, cursor=cursor)
            for member in answer.get("members") or ():
                for name in _names(member):
                    ids_by_name.setdefault(name.casefold(), set()).add(member["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                break
    except (SlackApiError, SlackClientError, OSError, HTTPException, UnicodeError):
        return {}
    return ids_by_name


def _names(member: dict) -> set[str]:
    if member.get("deleted") or member.get("is_bot"):
        return set()
    profile = member.get("profile") or {}
    names = (member.get("name"), profile.get("real_name"), profile.get("display_name"), profile.get("email"))
    return {name.strip() for name in names if isinstance(name, str) and name.strip()}
