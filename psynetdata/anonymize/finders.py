"""Finds ids, secrets and paths inside values of any shape. Each yields (value, kind of identifiers.KINDS)."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from ..psynet import jsontext
from . import patterns

Found = Iterator[tuple[str, str]]

# Keys under which recruiters and labs hand over who someone is, in lower case without punctuation.
_ID_KEYS = {
    **dict.fromkeys(("workerid", "prolificpid", "prolificid", "mturkworkerid", "subjectid"), "worker_id"),
    **dict.fromkeys(("participantexternalid", "externalparticipantid"), "worker_id"),
    **dict.fromkeys(("assignmentid", "sessionid", "submissionid", "externalsubmissionid"), "assignment_id"),
    **dict.fromkeys(("hitid", "studyid"), "hit_id"),
    **dict.fromkeys(("rid", "respondentid", "panelistid", "lucidrespondentid", "lucidpanelistid", "pid"), "lucid"),
    **dict.fromkeys(("ip", "ipaddress", "clientipaddress"), "address"),
    **dict.fromkeys(("name", "firstname", "lastname", "surname", "fullname"), "name"),
    "uniqueid": "unique_id",
    "email": "email",
    "fingerprinthash": "fingerprint",
}
_SECRET_KEY = re.compile(r"password|secret|token|api_?key|access_key|credential|dashboard_user|username", re.IGNORECASE)
_PORT = re.compile(r"(?<=[\d\]]):\d+$")
# Shorter values of a configuration (`???`) open nothing.
_SHORTEST_SECRET = 4


def under_id_keys(value: object) -> Found:
    """Values that stand under a key in which ids are handed over, in any casing, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            kind = _ID_KEYS.get("".join(filter(str.isalnum, str(key).casefold())))
            yield from under_id_keys(item) if kind is None else ((leaf, kind) for leaf in leaves(item))
    elif isinstance(value, list):
        for item in value:
            yield from under_id_keys(item)
    elif isinstance(value, str) and value[:1] in ("{", "["):
        inner = jsontext.decode(value)
        yield from () if isinstance(inner, str) else under_id_keys(inner)


def in_configuration(value: object, key: str = "") -> Found:
    """Secrets of a configuration: under telling keys, and in the query and user part of addresses."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from in_configuration(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from in_configuration(item, key)
    elif isinstance(value, str) and value:
        if _SECRET_KEY.search(key):
            yield from ((value, "secret"),) if len(value) >= _SHORTEST_SECRET else ()
        elif key == "experimenter_name":
            yield value, "name"
        elif patterns.EMAIL.fullmatch(value):
            yield value, "email"
        elif "://" in value:
            yield from _in_url(value)


def _in_url(text: str) -> Found:
    try:
        url = urlsplit(text)
    except ValueError:
        return
    secrets = [value for key, value in parse_qsl(url.query) if _SECRET_KEY.search(key)]
    for value in (*secrets, url.username, url.password):
        if value and len(value) >= _SHORTEST_SECRET:
            yield value, "secret"


def paths(text: str) -> Found:
    """Whole paths on a machine, which can name a user: an asset's source, and where assets are stored.

    (psynet.asset, LocalStorage.root.) A relative path is the experimenter's name for a stimulus.
    """
    value = jsontext.decode(text)
    root = value.get("root") if isinstance(value, dict) else text
    if isinstance(root, str) and root.count("/") >= 2 and (root[0] in "/~" or root[1:2] == ":"):
        yield root, "path"


def emails(text: str) -> Found:
    """E-mail addresses that someone typed; they may stand elsewhere too, as in a chain's next stimulus."""
    if "@" in text:
        value = jsontext.decode(text)
        plain = text if value is jsontext.MISSING else " ".join(leaves(value))
        yield from ((match, "email") for match in patterns.EMAIL.findall(plain))


def parts(value: str, kind: str) -> list[str]:
    """An X-Forwarded-For list's parts, each also without its port; other values as they are."""
    value = value.strip()
    if kind != "address":
        return [value]
    each = [part.strip() for part in value.split(",")]
    bare = [_PORT.sub("", part).strip("[]") if part.count(":") == 1 or "]" in part else part for part in each]
    return [value, *each, *bare]


def leaves(value: object) -> Iterator[str]:
    """All strings, and whole numbers as text, at any depth."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)
