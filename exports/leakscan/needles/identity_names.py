"""Names of columns, JSON keys and URL parameters whose values identify a person.

PsyNet and Dallinger write them in snake case, recruiters in camel or upper case (`workerId`, `PROLIFIC_PID`), so names
are compared without case and punctuation. The names are in psynetdata/psynet/wordlists/identity_names.csv.
"""

import re
from functools import lru_cache

from psynetdata.psynet.wordlists.identity_names import ANYWHERE, ENDING, identity_names

# As the scan's reports call a kind, if not as the list does.
_CALLED = {"fingerprint": "fingerprint_hash", "address": "client_ip_address", "page_token": "page_uuid"}
_SNAKE = identity_names(ANYWHERE)

# normalized name → kind
IDENTITY = {name.replace("_", ""): _CALLED.get(kind, kind) for name, kind in _SNAKE.items()}

# In entry information, any key that ends like this identifies a person or a session.
_ENDINGS = tuple(identity_names(ENDING))

SECRET_KEY = re.compile(r"passw(or)?d|passphrase|secret|token|credential|(api|access|private)_?key|_key$|^key$", re.I)

# As they are written inside JSON and query strings; lower case.
SPELLINGS = tuple(sorted({*IDENTITY, *_SNAKE}))

# A text in which none of these is has no such name: the longest word of each.
MARKERS = tuple(sorted({max(name.split("_"), key=len) for name in _SNAKE}))


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
