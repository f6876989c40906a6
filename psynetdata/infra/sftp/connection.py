"""Connects to an SSH server with a known host key, for django-storages' SFTP backend.

The backend itself would accept any new host key, and a socket without TCP_NODELAY waits for each small packet.
A connection belongs to one thread and one process: shared ones hang, and after a fork both processes would use the
same connection.
"""

import io
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from storages.backends.sftpstorage import SFTPStorage

from psynetdata.infra.local_addresses import UnknownHost, addresses_of

_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("~/.ssh/known_hosts"))
_ONE_PASS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_NO_METHOD = "No authentication methods available"  # paramiko has no class for it


@dataclass(frozen=True)
class Server:
    """`credentials`: a password, or a private key as text; None: the agent and the keys in ~/.ssh.

    `known_hosts`: this deployment's lines in the format of that file. If none of them names the host, the user's and
    the machine's own files are used. `checked`: people set it in a browser, so its name must not lead to this machine.
    """

    host: str
    port: int
    user: str | None
    root: str
    credentials: str | None = None
    known_hosts: str = ""
    timeout: float = 30.0
    checked: bool = False


class Connected(SFTPStorage):
    def __init__(self, server: Server):
        self.server = server
        super().__init__(host=server.host, root_path=server.root, interactive=False)

    def _connect(self) -> None:
        self._ssh, self._sftp = connect(self.server)


def connect(server: Server) -> tuple[paramiko.SSHClient, paramiko.SFTPClient]:
    """Connect to a server. Raises UnknownKey, UnreadableKey, NothingToOffer, and exceptions of paramiko and sockets."""
    ssh = paramiko.SSHClient()
    _load_known(ssh.get_host_keys(), server)
    ssh.set_missing_host_key_policy(_Refuse())
    # Until ssh.connect() succeeds, it is not clear who closes the socket.
    line = _line(server)
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = _secret(server.credentials)
        own = not secret
        ssh.connect(
            server.host, server.port, server.user, sock=line, timeout=server.timeout,
            banner_timeout=server.timeout, auth_timeout=server.timeout, allow_agent=own, look_for_keys=own,
            transport_factory=_Transport,
            **secret,
        )  # fmt: skip
        sftp = ssh.open_sftp()
        sftp.get_channel().settimeout(server.timeout)
    except BaseException as error:
        ssh.close()
        line.close()
        if isinstance(error, paramiko.SSHException) and str(error) == _NO_METHOD:
            raise NothingToOffer from None
        raise
    return ssh, sftp


def _line(server: Server) -> socket.socket:
    """Return a socket to the server; one whose address was checked is connected to at that address."""
    try:
        known = addresses_of(server.host, server.port) if server.checked else []
    except UnknownHost:
        raise socket.gaierror(socket.EAI_NONAME, "the name is not known") from None
    for address in known[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, server.port), timeout=server.timeout)
    return socket.create_connection((known[-1] if known else server.host, server.port), timeout=server.timeout)


class _Transport(paramiko.Transport):
    """Prefers ciphers that encrypt and authenticate in one pass, if the server supports them."""

    _preferred_ciphers = (
        *_ONE_PASS,
        *(name for name in paramiko.Transport._preferred_ciphers if name not in _ONE_PASS),
    )


class UnknownKey(paramiko.SSHException):
    pass


class UnreadableKey(Exception):
    """The private key cannot be read."""


class NothingToOffer(paramiko.AuthenticationException):
    """There is no password and no key that could be offered to the server."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client, hostname, key):
        raise UnknownKey


def _load_known(keys: paramiko.HostKeys, server: Server) -> None:
    for line in filter(str.strip, server.known_hosts.splitlines()):
        if entry := paramiko.hostkeys.HostKeyEntry.from_line(line):
            for name in entry.hostnames:
                keys.add(name, entry.key.get_name(), entry.key)
    if not keys.lookup(server.host if server.port == 22 else f"[{server.host}]:{server.port}"):
        for path in _KNOWN_HOSTS:
            if path.expanduser().is_file():
                keys.load(str(path.expanduser()))


def _secret(credentials: str | None) -> dict:
    if credentials is None:
        return {}
    if "PRIVATE KEY-----" not in credentials:
        return {"password": credentials}
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return {"pkey": kind.from_private_key(io.StringIO(credentials))}
        except paramiko.PasswordRequiredException:
            return {}  # an SSH agent may have it
        except (paramiko.SSHException, ValueError):
            continue
    raise UnreadableKey
