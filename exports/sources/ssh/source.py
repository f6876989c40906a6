"""An experiment's PostgreSQL behind an SSH server: found, and reached through a tunnel while it is needed."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace

from exports.sources import postgres
from exports.sources.base import Access, Located, SourceKind
from exports.sources.postgres import Address, NoDatabase, Unreachable
from exports.sources.read_transaction import ReadTransaction
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, Problem

from . import errors, remote_logs
from .address import EXAMPLE, PASSWORD, SshServer, parse
from .client import SshConnection, connected
from .host_keys import SshHostKey, offered_by

# Where PsyNet keeps assets on a server (psynet.asset, LocalStorage), below the user's home.
_ASSETS = "~/psynet-data/assets"
_DATABASES = """
SELECT datname FROM pg_database
 WHERE datallowconn AND NOT datistemplate AND datname NOT IN ('postgres', 'dallinger') ORDER BY 1 LIMIT 50
"""


class Ssh(SourceKind):
    source = Deployment.Source.SSH
    schemes = ("ssh://",)
    example = EXAMPLE
    has_logs = True
    own_way = "it is the one that PsyNet's servers have"

    def locate(self, url: str) -> Located:
        server = parse(url)
        return Located(server.url, server.label)

    @contextmanager
    def reach(self, located: Located, access: Access) -> Iterator[Address]:
        server = parse(located.url)
        with connected(server, access) as line:
            host, port = _database_at(line, server)
            folder = line.forward(host, port)
            address = Address(str(folder), 5432, server.database, server.role, access.password or PASSWORD)
            address = replace(address, called=server.label)
            with _translated_errors(line, address):
                if not server.app:
                    raise NoDatabase("")
                yield address

    def assets(self, located: Located, held: ReadTransaction | None) -> str:
        server = parse(located.url)
        return replace(server, app=_ASSETS, database=_ASSETS).url.replace("ssh://", "sftp://", 1).partition("?")[0]

    def host_key(self, located: Located, *, fingerprint: str = "") -> SshHostKey:
        return offered_by(parse(located.url), fingerprint=fingerprint)

    def logs(self, located: Located, access: Access) -> AbstractContextManager[remote_logs.RemoteLogs]:
        return remote_logs.opened(parse(located.url), access)

    def access(self, located: Located, password: str | None) -> Access:
        """Use the key and host key of a deployment on the same server, so that a restore reaches a known server."""
        login = parse(located.url).login
        for row in Deployment.objects.filter(source=self.source).order_by("-number"):
            if parse(row.source_url).login == login:
                return Access(password, row.source_key, row.assets_known_hosts)
        return Access(password)


def _database_at(line: SshConnection, server: SshServer) -> tuple[str, int]:
    """Return (host, port) of PostgreSQL as seen from the server."""
    if server.database_host:
        return server.database_host, server.database_port
    try:
        inspected = line.output(f"docker inspect --type container {server.container}")
    except errors.Failed as failed:
        raise errors.no_docker(server, failed) from None
    return _container_address(inspected, server), server.database_port


def _container_address(inspected: bytes, server: SshServer) -> str:
    """Return the first address that a container has in any of its networks."""
    try:
        (container,) = json.loads(inspected)
        running = container["State"]["Running"]
        networks = container["NetworkSettings"]["Networks"].values()
        addresses = [network["IPAddress"] for network in networks if network["IPAddress"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unreachable(
            f"{server.place}: docker's answer about {server.container} is not understood; give the database's own host "
            "after the address (?host=…)."
        ) from None
    if not running or not addresses:
        raise Unreachable(f"{server.place}: the container {server.container} does not run; it is tried again later.")
    return addresses[0]


@contextmanager
def _translated_errors(line: SshConnection, address: Address) -> Iterator[None]:
    """Explain an unreachable database with what only this side of the tunnel knows."""
    server = line.server
    try:
        yield
    except NoDatabase:
        raise _no_app(server, _databases(address)) from None
    except Unreachable:
        if not line.alive:
            raise Unreachable(f"{server.label}: the SSH connection was cut in the middle.") from None
        if "administratively prohibited" in line.stderr_text():
            raise Unreachable(
                f"{server.place}: its SSH server does not forward ports; ask its administrator to allow it "
                "(AllowTcpForwarding)."
            ) from None
        raise


def _databases(address: Address) -> list[str]:
    """Return the databases that the role sees; [] if it cannot be asked."""
    try:
        connection = postgres.connect(replace(address, database="postgres"), name="psynetdata look")
    except Problem:
        return []
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(_DATABASES)
        return [name for (name,) in cursor.fetchall()]


def _no_app(server: SshServer, names: list[str]) -> Problem:
    has = f"it has {', '.join(names)}" if names else "no app can be seen there"
    if not server.app:
        return BadInput(f"The address does not name an app of {server.place}; {has}. Write it as {EXAMPLE}.")
    return Unreachable(f"{server.place} has no app or database called {server.database}; {has}.")
