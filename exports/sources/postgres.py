"""A connection to an experiment's PostgreSQL: snapshots read from it, restore writes to it.

Every problem with it becomes one sentence. The sentence names the host, the database and the role, never the
password.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import connection as Connection

from psynetdata.infra.local_addresses import UnknownHost, addresses_of
from psynetdata.psynet.problems import BadInput, Conflict, Problem

OLDEST = 120000
_CONNECT_TIMEOUT = 10  # seconds
_SESSION = {
    # Text that means the same on every server: exact floats, ISO dates in UTC, bytes in hexadecimal.
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    # A policy that hides rows from the role must be an error, not a smaller snapshot.
    "row_security": "off",
    "jit": "off",
    "default_transaction_isolation": "read committed",
    # The server too must notice that this machine is gone, and release our locks.
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SSL = {"sslmode", "sslrootcert"}


class Unreachable(Problem):
    """The source does not answer, or the connection was lost."""

    status = 502


class NoDatabase(Unreachable):
    """The server answers but has no database of that name."""


class Refused(Problem):
    """The source answers but refuses access: a wrong password, a missing right."""

    status = 502


class WrongPassword(Refused):
    """The role's password is wrong, or missing although the server requires one."""


@dataclass(frozen=True)
class Address:
    """Where a PostgreSQL database is. `password` is not part of `url`; None: libpq looks in its usual places.

    `called`: its name in sentences if host and port mean nothing to people, as with a tunnel.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    called: str = ""

    @property
    def url(self) -> str:
        """The address without a password; equal addresses give equal texts."""
        host = quote(self.host, safe="") if "/" in self.host else self.host
        host = f"[{host}]" if ":" in host else host
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in self.options)
        tail = f"?{query}" if query else ""
        return f"postgres://{quote(self.user, safe='')}@{host}:{self.port}/{quote(self.database, safe='')}{tail}"

    @property
    def label(self) -> str:
        """Its name in sentences."""
        return self.called or f"{self.database} on {self.host}:{self.port}"

    def with_password(self, password: str | None) -> "Address":
        return replace(self, password=password)

    def __repr__(self) -> str:
        return f"Address({self.url!r})"


def parse(url: str) -> Address:
    """Parse postgres://user[:password]@host[:port]/database[?sslmode=…]; a host with %2F is a folder with a socket."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise BadInput("The address of a database starts with postgres://, like postgres://user@host:5432/database.")
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:  # also raised for hosts with a single bracket
        raise BadInput(
            "The port in the address of the database is not a number between 1 and 65535; if the password holds one "
            "of / ? # [ ], write it as %2F, %3F, %23, %5B, %5D."
        ) from None
    if "\0" in unquote(url):
        raise BadInput("The address of the database holds a NUL character; names and passwords cannot.")
    path = parts.path.removeprefix("/")
    database = unquote(path)
    host = _host(parts.netloc) or "localhost"
    if not database or "/" in path:
        raise BadInput("The address does not name a database; write it as postgres://user@host:5432/database.")
    if not parts.username:
        raise BadInput("The address does not name a role; write it as postgres://user@host:5432/database.")
    password = unquote(parts.password) if parts.password else None
    return Address(host, port, database, unquote(parts.username), password, _options(parts.query))


def _host(netloc: str) -> str:
    """Return the host. urlsplit's hostname is in lower case, which would change a folder's name."""
    host = netloc.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return unquote(host.partition(":")[0])


def _options(query: str) -> tuple[tuple[str, str], ...]:
    options = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in _SSL:
            raise BadInput(f"The address of the database may only have the options {' and '.join(sorted(_SSL))}.")
        options.append((name, unquote(value)))
    return tuple(sorted(options))


@contextmanager
def connected(address: Address, *, name: str) -> Iterator[Connection]:
    """Yield an autocommit connection and close it afterwards; `name` is what the server's administrators see.

    Raises Unreachable, Refused, and BadInput for a server that is too old. psycopg2's errors in the body are raised as
    Problems if the source caused them (see `told`).
    """
    connection = connect(address, name=name)
    with closing(connection), translated_errors(address):
        yield connection


def connect(address: Address, *, name: str) -> Connection:
    """Return an autocommit connection, as `connected`; the caller closes it."""
    try:
        # Several addresses of one host are tried one after the other.
        known = addresses_of(address.host, address.port)
    except UnknownHost:
        raise Unreachable(f"{address.label}: the name of its server is not known.") from None
    pinned = {"hostaddr": ",".join(known)} if known else {}
    try:
        connection = psycopg2.connect(
            **pinned,
            host=",".join([address.host] * max(1, len(known))),
            port=",".join([str(address.port)] * max(1, len(known))),
            dbname=address.database,
            user=address.user,
            password=address.password,
            application_name=name,
            connect_timeout=_CONNECT_TIMEOUT,
            keepalives_idle=20,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=30_000,
            options=" ".join(f"-c {key}={_escaped(value)}" for key, value in _SESSION.items()),
            **dict(address.options),
        )
    except psycopg2.OperationalError as error:
        raise _not_connected(address, str(error)) from None
    connection.autocommit = True
    if connection.server_version < OLDEST:
        version = connection.server_version // 10000
        connection.close()
        raise BadInput(f"{address.label} is PostgreSQL {version}; psynetdata reads PostgreSQL 12 and later.")
    return connection


@contextmanager
def translated_errors(address: Address) -> Iterator[None]:
    """Turn psycopg2's errors that the source caused into Problems; errors of our own code stay as they are."""
    try:
        yield
    except psycopg2.Error as error:
        problem = _problem(address, error)
        if problem is None:
            raise
        raise problem from None


def _problem(address: Address, error: psycopg2.Error) -> Problem | None:
    code = error.pgcode
    if code is None:
        # psycopg2 raises a plain DatabaseError for a COPY whose connection was lost.
        lost = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
        cut = lost or type(error) is psycopg2.DatabaseError
        return Unreachable(f"{address.label}: the connection was cut in the middle.") if cut else None
    if code == errorcodes.INSUFFICIENT_PRIVILEGE:
        what = (error.diag.message_primary or "a right is missing").strip()
        return Refused(f"{address.label}: the role {address.user} lacks a right: {what}.")
    known = _TOLD.get(code) or _TOLD.get(code[:2])
    return known[0](f"{address.label}: {known[1]}") if known else None


# By error code, or by the code's class.
_TOLD: dict[str, tuple[type[Problem], str]] = {
    errorcodes.LOCK_NOT_AVAILABLE: (
        Conflict, "a table is locked by someone else at the moment; it is tried again later."
    ),
    errorcodes.QUERY_CANCELED: (Unreachable, "a query took longer than the server or psynetdata allows."),
    errorcodes.DISK_FULL: (Problem, "the disk of the database's server is full."),
    errorcodes.CHARACTER_NOT_IN_REPERTOIRE: (Problem, "it holds text that is not UTF-8, in an unknown encoding."),
    errorcodes.UNTRANSLATABLE_CHARACTER: (Problem, "it holds text that cannot be written in UTF-8."),
    errorcodes.CLASS_CONNECTION_EXCEPTION: (Unreachable, "the server ended the connection."),
    errorcodes.CLASS_OPERATOR_INTERVENTION: (Unreachable, "the server ended the connection."),
    # Limits on idle and on long transactions.
    errorcodes.CLASS_INVALID_TRANSACTION_STATE: (Unreachable, "the server ended the connection."),
    # A standby that had to apply a change of its primary.
    errorcodes.CLASS_TRANSACTION_ROLLBACK: (
        Conflict, "the server cancelled the reading because its tables changed; it is tried again later."
    ),
    errorcodes.CLASS_INSUFFICIENT_RESOURCES: (
        Problem, "the server has no memory left, or no room for so many locks (max_locks_per_transaction)."
    ),
    errorcodes.CLASS_SYSTEM_ERROR: (Problem, "the server cannot read its own files; its log says more."),
    errorcodes.CLASS_INTERNAL_ERROR: (Problem, "the server reports internal damage; its log says more."),
}  # fmt: skip


def _not_connected(address: Address, text: str) -> Problem:
    """Translate libpq's message. It gives reasons only in words, and may quote the role but never the password."""
    folded = text.lower()
    if "password authentication failed" in folded or "no password supplied" in folded:
        return WrongPassword(
            f"{address.label}: the password of the role {address.user} is wrong or missing; "
            "give the right one (`manage.py deployment add` again for one that is watched)."
        )
    if "permission denied for database" in folded:
        return Refused(
            f"{address.label}: the role {address.user} has no right to connect to it; ask its owner to run: "
            f"GRANT CONNECT ON DATABASE {address.database} TO {address.user}."
        )
    if "not permitted to log in" in folded:
        return Refused(f"{address.label}: the role {address.user} is not allowed to log in.")
    if "does not support ssl" in folded:
        return Refused(f"{address.label}: the server has no TLS, which sslmode in the address requires.")
    if "certificate" in folded:
        return Refused(f"{address.label}: the server's certificate is not one that sslmode and sslrootcert accept.")
    if "pg_hba.conf" in folded or "authentication failed" in folded:
        return Refused(f"{address.label}: the server does not let the role {address.user} in from here.")
    if "does not exist" in folded and "database" in folded:
        return NoDatabase(f"{address.label}: there is no such database on that server.")
    if "does not exist" in folded and "role" in folded:
        return Refused(f"{address.label}: there is no role {address.user} on that server.")
    if "too many" in folded:
        return Unreachable(
            f"{address.label}: the server has no free connection (a snapshot needs three); it is tried again later."
        )
    if any(words in folded for words in ("starting up", "shutting down", "recovery mode", "not accepting")):
        return Unreachable(f"{address.label}: the server is starting or stopping; it is tried again later.")
    if "translate host name" in folded:
        return Unreachable(f"{address.label}: there is no host of that name.")
    if "timeout" in folded or "timed out" in folded:
        return Unreachable(f"{address.label}: the host does not answer within {_CONNECT_TIMEOUT} seconds.")
    return Unreachable(f"{address.label}: no PostgreSQL answers there; check that it runs and that the port is right.")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
