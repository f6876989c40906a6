"""What each kind of source that runs has to do: read its addresses, and give a PostgreSQL to connect to."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from psynetdata.psynet.problems import NotFound

from .postgres import Address
from .read_transaction import Moment


@dataclass(frozen=True)
class Located:
    """A source's address, read. `url`: without a password, and the same text for the same source.

    `label` is for sentences, `password` what stood in the address.
    """

    url: str
    label: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Access:
    """What opens a source beside its address. `password`: of the database's role; None: the kind's own way.

    Of SSH servers: `key` is a reference to a private key, `known_hosts` the lines that name their host keys.
    """

    password: str | None = field(default=None, repr=False)
    key: str = ""
    known_hosts: str = ""


class HostKey(Protocol):
    """An SSH server's: `line` as known_hosts has it, `kind` like ssh-ed25519, `fingerprint` as people compare it."""

    line: str
    kind: str
    fingerprint: str


class NoLogs(NotFound):
    """The source is reached, and there are no logs that could be read."""


class OpenLogs(Protocol):
    """Logs of a server that a login stands to. `size` in bytes; `head`: the first so many; `blocks`: from there on."""

    size: int

    def head(self, count: int) -> bytes: ...

    def blocks(self, start: int) -> Iterator[bytes]: ...


class Kind(ABC):
    """`source`: as Deployment.source. `schemes`: how its addresses begin. `example`: one, for sentences and forms.

    `own_way`: where it looks when no password was given, for sentences.
    """

    source: str
    schemes: tuple[str, ...]
    example: str
    own_way: str
    has_logs = False

    @abstractmethod
    def locate(self, url: str) -> Located:
        """Read an address without asking anyone. Raises BadInput."""

    @abstractmethod
    def reach(self, located: Located, access: Access) -> AbstractContextManager[Address]:
        """Where psycopg2 finds the database, its password included, for as long as the body lasts.

        What makes the way there (a tunnel, a look-up) is done on entry and undone on leaving, whatever happens.
        `Address.called` is what sentences call it. Raises Unreachable and Refused.
        """

    def assets(self, located: Located, held: Moment) -> str:
        """Where asset files of such a source live when nobody said it, as a URL; "" where that is not known."""
        return ""

    def host_key(self, located: Located, *, fingerprint: str = "") -> HostKey | None:
        """The host key that a person has to vouch for before the source is reached; None: it has none."""
        return None

    def access(self, located: Located, password: str | None) -> Access:
        """What opens an address of this kind that no deployment stands for."""
        return Access(password)

    def logs(self, located: Located, access: Access) -> AbstractContextManager[OpenLogs]:
        """The logs of its server, where `has_logs`. Raises NoLogs, Unreachable and Refused."""
        raise NoLogs("A source of this kind has no logs.")
