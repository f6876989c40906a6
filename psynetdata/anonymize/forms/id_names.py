"""Names of columns, keys and parameters that hold a person's id, and the values under them.

Recruiters and labs write these names in any casing (`workerId`, `PROLIFIC_PID`): only letters and digits are compared.
"""

import json
import re
from collections.abc import Callable

NAMES = {
    **dict.fromkeys(("workerid", "prolificpid", "prolificid", "prolificparticipantid", "mturkid"), "worker_id"),
    **dict.fromkeys(("mturkworkerid", "sonaid", "subjectid", "userid", "pid", "worker"), "worker_id"),
    **dict.fromkeys(("participantexternalid", "externalparticipantid"), "worker_id"),
    **dict.fromkeys(("assignmentid", "sessionid", "prolificsessionid"), "assignment_id"),
    **dict.fromkeys(("submissionid", "externalsubmissionid"), "assignment_id"),
    **dict.fromkeys(("hitid", "studyid", "prolificstudyid"), "hit_id"),
    **dict.fromkeys(("rid", "psid", "lucidrid", "respondentid", "panelistid"), "lucid"),
    **dict.fromkeys(("lucidrespondentid", "lucidpanelistid"), "lucid"),
    **dict.fromkeys(("ipaddress", "clientipaddress", "clientip", "remoteaddr"), "address"),
    **dict.fromkeys(("email", "emailaddress", "mail"), "email"),
    **dict.fromkeys(("fingerprint", "fingerprinthash"), "fingerprint"),
    "uniqueid": "unique_id",
    "pageuuid": "page_token",
}
# A cheap first check that matches more than the names above.
_ANY = re.compile(
    r"(?:worker|prolific|mturk|sona|subject|user|assignment|session|submission|hit|study|respondent|panelist|unique"
    r"|external|participant)[_ -]?(?:external[_ -]?|participant[_ -]?)?(?:p?id|worker|study|session)"
    r"|worker"
    r"|rid|pid|psid|ip[_ -]?address|client[_ -]?ip|remote[_ -]?addr|mail|fingerprint|page[_ -]?uuid",
    re.IGNORECASE,
)
_PARTS = (
    *("worker", "prolific", "session", "assignment", "study", "hit", "unique", "user", "subject", "client", "mail"),
    *("rid", "pid", "psid", "ipaddress", "ip_address", "ip address", "ip-address", "fingerprint", "uuid", "remote"),
    *("mturk", "sona", "submission", "respondent", "panelist", "external", "participant"),
)
_LONG = tuple(name for name in NAMES if len(name) >= 6)
_MEMBER = re.compile(r'"([^"\\]{2,60})"(\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)', re.DOTALL)
# A lookahead from each word: in `http://h/?worker_id=4` the first `:` must not swallow the rest.
_LOOSE = re.compile(
    r"""(?<![A-Za-z0-9])(?=([A-Za-z][\w -]{1,60})([\\"']{0,8}\s*[:=]\s*[\\"']{0,8})([^"&,;\s\\}\]]{1,64}))"""
)

Replaced = Callable[[str], str | None]


def kind_of(name: str) -> str | None:
    """Return the kind of id (identifiers.KINDS) that a name stands for, or None."""
    return NAMES.get(_plain(name))


def _ends_in_name(text: str) -> bool:
    plain = _plain(text.split()[-1]) if text.strip() else ""
    return plain in NAMES or plain.endswith(_LONG) or _plain(text) in NAMES


def may_hold(text: str) -> bool:
    """Return whether the text contains such a name. Most texts contain no part of one, which is cheaper to check."""
    lowered = text.lower()
    return any(part in lowered for part in _PARTS) and _ANY.search(text) is not None


def in_json(text: str, replaced: Replaced) -> str:
    """Return the JSON text with strings and numbers under such names replaced, unless `replaced` returns None."""

    def change(match: re.Match[str]) -> str:
        key, between, token = match.groups()
        if not _ends_in_name(key):
            return match.group()
        new = replaced(_plain_value(token))
        return match.group() if new is None else f'"{key}"{between}{json.dumps(new)}'

    return _MEMBER.sub(change, text)


def spans(text: str, replaced: Replaced) -> list[tuple[int, int, str]]:
    """Return (start, end, replacement) of values under such names in non-JSON text: `workerId=4&…`, `worker_id: 4`."""
    found = []
    for match in _LOOSE.finditer(text):
        if _ends_in_name(match[1]) and (new := replaced(match[3])) is not None:
            found.append((match.start(3), match.end(3), new))
    return found


def _plain_value(token: str) -> str:
    if token[0] != '"':
        return token
    try:
        value: str = json.loads(token, strict=False)
    except ValueError:  # the text around it need not be valid JSON
        return token[1:-1]
    return value


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if "a" <= character <= "z" or "0" <= character <= "9")
