"""What each kind of source must implement: parse its addresses, and give a PostgreSQL to connect to."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from psynetdata.psynet.problems import NotFound

from .postgres import Address
from .read_transaction import ReadTransaction


@dataclass(frozen=True)
class Located:
    """A source's parsed address. `url`: without a password; the same source always gives the same text.

    `label` is for sentences, `password` is the one in the address.
    """

    url: str
    label: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Access:
    """What opens a source, apart from its address. `password`: of the database's role; None: the kind's default.

    For SSH servers: `key` is a reference to a private key, `known_hosts` holds lines with their host keys.
    """

    password: str | None = field(default=None, repr=False)
    key: str = ""
    known_hosts: str = ""


class HostKey(Protocol):
    """An SSH server's key: `line` as in known_hosts, `kind` like ssh-ed25519, `fingerprint` as people compare it."""

    line: str
    kind: str
    fingerprint: str


class NoLogs(NotFound):
    """The source can be reached, but there are no logs to read."""


class OpenLogs(Protocol):
    """A server's logs over an open login. `size` in bytes; `head`: the first ones; `blocks`: from `start` on."""

    size: int

    def head(self, count: int) -> bytes: ...

    def blocks(self, start: int) -> Iterator[bytes]: ...


class SourceKind(ABC):
    """`source`: as Deployment.source. `schemes`: how its addresses begin. `example`: an address for errors and forms.

    `own_way`: where it looks if no password was given, for sentences.
    """

    source: str
    schemes: tuple[str, ...]
    example: str
    own_way: str
    has_logs = False

    @abstractmethod
    def locate(self, url: str) -> Located:
        """Parse an address without connecting. Raises BadInput."""

    @abstractmethod
    def reach(self, located: Located, access: Access) -> AbstractContextManager[Address]:
        """Yield the address for psycopg2, including its password, valid while the body runs.

        What is needed to get there (a tunnel, a look-up) is set up before and removed afterwards, whatever happens.
        `Address.called` is its name in sentences. Raises Unreachable and Refused.
        """

    def assets(self, located: Located, held: ReadTransaction) -> str:
        """Return the default URL of asset files for such a source; "" if it is not known."""
        return ""

    def host_key(self, located: Located, *, fingerprint: str = "") -> HostKey | None:
        """Return the host key that a person has to confirm before the source is reached; None if it has none."""
        return None

    def access(self, located: Located, password: str | None) -> Access:
        """Return the access for an address of this kind that belongs to no deployment."""
        return Access(password)

    def logs(self, located: Located, access: Access) -> AbstractContextManager[OpenLogs]:
        """Open the logs of its server, if `has_logs`. Raises NoLogs, Unreachable and Refused."""
        raise NoLogs("A source of this kind has no logs.")
