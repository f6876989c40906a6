"""Names of columns, JSON keys and URL parameters whose values identify a person.

PsyNet and Dallinger write them in snake case, recruiters in camel or upper case (`workerId`, `PROLIFIC_PID`), so names
are compared without case and punctuation.
"""

import re
from functools import lru_cache

# normalized name → kind
IDENTITY = {
    "workerid": "worker_id",
    "prolificpid": "worker_id",
    "prolificid": "worker_id",
    "prolificparticipantid": "worker_id",
    "mturkid": "worker_id",
    "mturkworkerid": "worker_id",
    "sonaid": "worker_id",
    "subjectid": "worker_id",
    "userid": "worker_id",
    "pid": "worker_id",
    "assignmentid": "assignment_id",
    "sessionid": "assignment_id",
    "prolificsessionid": "assignment_id",
    "submissionid": "assignment_id",
    "uniqueid": "unique_id",
    "hitid": "hit_id",
    "studyid": "hit_id",
    "prolificstudyid": "hit_id",
    "fingerprinthash": "fingerprint_hash",
    "fingerprint": "fingerprint_hash",
    "clientipaddress": "client_ip_address",
    "ipaddress": "client_ip_address",
    "clientip": "client_ip_address",
    "remoteaddr": "client_ip_address",
    "pageuuid": "page_uuid",
    "rid": "lucid",
    "lucidrid": "lucid",
    "panelistid": "lucid",
    "lucidpanelistid": "lucid",
    "respondentid": "lucid",
    "lucidrespondentid": "lucid",
    "psid": "lucid",
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
}

# In entry information, any key that ends like this identifies a person or a session.
_ENDINGS = ("id", "uuid", "guid", "hash", "token", "email", "mail", "phone", "name", "address", "ip", "code")

SECRET_KEY = re.compile(r"passw(or)?d|passphrase|secret|token|credential|(api|access|private)_?key|_key$|^key$", re.I)

# As they are written inside JSON and query strings; lower case.
SPELLINGS = tuple(
    sorted(
        set(IDENTITY)
        | {
            *("worker_id", "assignment_id", "unique_id", "hit_id", "prolific_pid", "prolific_id", "session_id"),
            *("study_id", "fingerprint_hash", "client_ip_address", "ip_address", "client_ip", "page_uuid"),
            *("lucid_rid", "lucid_panelist_id", "lucid_respondent_id", "mturk_id", "mturk_worker_id", "remote_addr"),
            *("panelist_id", "respondent_id", "subject_id", "user_id", "sona_id", "submission_id", "email_address"),
        }
    )
)


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """Return the name without case and punctuation: `PROLIFIC_PID` → `prolificpid`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def kind_of(name: str | None) -> str | None:
    """Return the kind of identifier that a name announces, or None."""
    return IDENTITY.get(plain(name)) if name else None


def announces_person(name: str | None) -> bool:
    """Return whether a key of entry information names a person, a session or a way to reach them."""
    return bool(name) and (kind_of(name) is not None or plain(name).endswith(_ENDINGS))
