"""Addresses like ssh://user@host/app, and what they may contain."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from psynetdata.psynet.problems import BadInput

EXAMPLE = "ssh://user@host/app"
# The name of the database's container in Dallinger's docker-compose.yml, and its role and password.
CONTAINER, ROLE, PASSWORD, DATABASE_PORT = "dallinger-postgresql-1", "dallinger", "dallinger", 5432
# None of them may begin with a dash (an option to ssh), lead out of a folder, or mean something to a shell.
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_QUERY = {"database", "role", "host", "port", "container"}


@dataclass(frozen=True)
class SshServer:
    """An SSH server and an app on it. `app` is empty if the address names none.

    `database` and `role` in its PostgreSQL, which is at `host` and `port` as seen from the server; if `database_host`
    is empty, docker is asked for the address of `container`.
    """

    user: str
    host: str
    port: int
    app: str
    database: str
    role: str = ROLE
    database_host: str = ""
    database_port: int = DATABASE_PORT
    container: str = CONTAINER

    @property
    def url(self) -> str:
        port = "" if self.port == 22 else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        parameters = {
            "database": ("" if self.database == self.app else self.database),
            "role": ("" if self.role == ROLE else self.role),
            "host": self.database_host,
            "port": ("" if self.database_port == DATABASE_PORT else str(self.database_port)),
            "container": ("" if self.container == CONTAINER else self.container),
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"ssh://{quote(self.user, safe='')}@{host}{port}/{self.app}" + (f"?{query}" if query else "")

    @property
    def place(self) -> str:
        """The server's name in sentences."""
        return self.host if self.port == 22 else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        return f"{self.app or 'no app'} on {self.place}"

    @property
    def login(self) -> tuple[str, str, int]:
        return self.user, self.host, self.port


def parse(url: str) -> SshServer:
    """Parse ssh://user@host[:port]/app[?database=…&role=…&host=…&port=…&container=…]. Raises BadInput."""
    try:
        parts = urlsplit(url)
        port, host = parts.port or 22, parts.hostname or ""
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        database_port = int(query.get("port", DATABASE_PORT))
    except ValueError:
        raise BadInput(f"The address of an SSH server cannot be read; write it as {EXAMPLE}.") from None
    if parts.password is not None:
        raise BadInput(
            "SSH servers are opened with a key here, not with a password; leave the password out of the address."
        )
    user, app = unquote(parts.username or ""), unquote(parts.path.strip("/"))
    _check(user, _USER, f"The address does not name a user of the server; write it as {EXAMPLE}.")
    _check(host, _HOST, f"The address does not name a host; write it as {EXAMPLE}.")
    if app:
        _check(app, _NAME, "The name of an app may only have letters, digits, dots, dashes and underscores.")
    if query.keys() - _QUERY or parts.fragment:
        raise BadInput(f"The address of an SSH server may only have {', '.join(sorted(_QUERY))} after its ?.")
    container, database_host = query.get("container", CONTAINER), query.get("host", "")
    _check(container, _NAME, "That is not a valid name of a container.")
    if database_host:
        _check(database_host, _HOST, "The host of the database cannot be read.")
    database, role = query.get("database", app), query.get("role", ROLE)
    if not 0 < database_port < 65536 or not (database + role).isprintable() or not role:
        raise BadInput("The database, role or port in the address is not valid.")
    return SshServer(user, host, port, app, database, role, database_host, database_port, container)


def _check(text: str, pattern: re.Pattern, sentence: str) -> None:
    if not pattern.fullmatch(text) or ".." in text:
        raise BadInput(sentence)
