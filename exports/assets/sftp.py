"""Files behind an SSH server, through django-storages' SFTP backend, with a connection that is made our own way.

The backend would take any host key it has not seen, and a socket without TCP_NODELAY waits for each small packet.
"""

import io
import posixpath
import socket
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.sftp import CMD_DATA, CMD_READ, int64
from storages.backends.sftpstorage import SFTPStorage

from .local import version_of
from .session import IsFolder, Missing, PlaceGone, Session, Stream, Trouble, Unchanged, checked, exactly

_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("~/.ssh/known_hosts"))
# OpenSSH's server gives so much at once (limits@openssh.com); one that gives less is asked again for the rest.
_AT_ONCE = 255 * 1024
_AHEAD = 8  # requests that may be on their way: 2 MB of memory
_ONE_PASS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_BROKEN = (paramiko.SSHException, EOFError, TimeoutError, ConnectionError)


@dataclass(frozen=True)
class Server:
    """`credentials`: a password, or a private key as text; None: the agent and the keys in ~/.ssh.

    `known_hosts`: lines as in that file, of this deployment; empty: the user's and the machine's own files.
    """

    host: str
    port: int
    user: str | None
    root: str
    credentials: str | None = None
    known_hosts: str = ""
    timeout: float = 30.0


class _Storage(SFTPStorage):
    def __init__(self, server: Server):
        self.server = server
        super().__init__(host=server.host, root_path=server.root, interactive=False)

    def _connect(self) -> None:
        server = self.server
        self._ssh = paramiko.SSHClient()
        _load_known(self._ssh.get_host_keys(), server.known_hosts)
        self._ssh.set_missing_host_key_policy(_Refuse())
        # Before the connection is there nothing says whose the socket is to close.
        line = socket.create_connection((server.host, server.port), timeout=server.timeout)
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own = server.credentials is None
            self._ssh.connect(
                server.host, server.port, server.user, sock=line, timeout=server.timeout,
                banner_timeout=server.timeout, auth_timeout=server.timeout, allow_agent=own, look_for_keys=own,
                transport_factory=_Transport,
                **_secret(server.credentials),
            )  # fmt: skip
            self._sftp = self._ssh.open_sftp()
            self._sftp.get_channel().settimeout(server.timeout)
        except BaseException:
            self._ssh.close()
            line.close()
            raise


class _Transport(paramiko.Transport):
    """Encrypts and checks in one pass where the server can."""

    _preferred_ciphers = (
        *_ONE_PASS,
        *(name for name in paramiko.Transport._preferred_ciphers if name not in _ONE_PASS),
    )


class _UnknownKey(paramiko.SSHException):
    pass


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client, hostname, key):
        raise _UnknownKey


class SFTPSession(Session):
    def __init__(self, server: Server):
        self._storage = _Storage(server)
        self._root: str = ""
        self._folders: dict[str, str] = {}

    @contextmanager
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        with self._told():
            name, found = self._inside(path)
            if stat.S_ISDIR(found.st_mode):
                raise IsFolder
            if not stat.S_ISREG(found.st_mode):
                raise Missing("it is no ordinary file")
            now = version_of(found)
            if known and now == known:
                raise Unchanged
            file = self._sftp.open(name, "rb")
        start = start if version == now else 0
        try:
            yield Stream(self._blocks(file, start, found.st_size, now), start, found.st_size, now)
        finally:
            # Not to wait for the server's word saves a round trip; nothing was written.
            file._close(async_=True)

    def walk(self, path: str) -> list[str] | None:
        with self._told():
            name, found = self._inside(path)
            return sorted(self._below(name, "")) if stat.S_ISDIR(found.st_mode) else None

    def close(self) -> None:
        self._storage.close()

    @property
    def _sftp(self) -> paramiko.SFTPClient:
        sftp = self._storage.sftp
        if not self._root:
            self._root = self._root_of(sftp)
        return sftp

    def _root_of(self, sftp: paramiko.SFTPClient) -> str:
        root = self._storage.root_path
        try:
            found = sftp.normalize(root)
            sftp.listdir_iter(found)  # asks for nothing before it is gone through
            if not stat.S_ISDIR(sftp.stat(found).st_mode):
                raise PlaceGone("the folder of the assets is no folder")
        except OSError as error:
            if isinstance(error, _BROKEN):
                raise
            raise PlaceGone("the folder of the assets is not there") from None
        return found

    def _inside(self, path: str):
        """(the file's real path, what the server says of it); it must be below the root when links are followed."""
        sftp, wanted = self._sftp, checked(path).rstrip("/")
        folder, _, last = wanted.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._below_root(sftp.normalize(posixpath.join(self._root, folder)), or_root=True)
        name = posixpath.join(self._folders[folder], last)
        found = sftp.lstat(name)
        if stat.S_ISLNK(found.st_mode):
            name = self._below_root(sftp.normalize(name))
            found = sftp.stat(name)
        return name, found

    def _below_root(self, name: str, *, or_root: bool = False) -> str:
        if not name.startswith(self._root.rstrip("/") + "/") and not (or_root and name == self._root):
            raise Missing("its path leads out of the assets' folder")
        return name

    def _below(self, folder: str, inside: str) -> Iterator[str]:
        for entry in self._sftp.listdir_attr(folder):
            path = posixpath.join(inside, entry.filename)
            if stat.S_ISDIR(entry.st_mode):
                yield from self._below(posixpath.join(folder, entry.filename), path)
            elif stat.S_ISREG(entry.st_mode) or self._leads_to_a_file(posixpath.join(folder, entry.filename)):
                yield path

    def _leads_to_a_file(self, link: str) -> bool:
        """Links that lead out of the root, or to a folder, are left."""
        try:
            return stat.S_ISREG(self._sftp.stat(self._below_root(self._sftp.normalize(link))).st_mode)
        except (Missing, OSError):
            return False

    def _blocks(self, file: paramiko.SFTPFile, start: int, size: int, version: str) -> Iterator[bytes]:
        with self._told():
            yield from exactly(_Reads(file).blocks(start, size), size - start)
            if version_of(file.stat()) != version:
                raise Trouble("it was written to while it was read", anew=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What paramiko raises in our words. A connection that broke is made anew at the next try."""
        try:
            yield
        except paramiko.BadHostKeyException:
            raise PlaceGone(
                "the server of the assets shows another host key than the one that is known; "
                "nothing was asked of it. Make sure why, then change the known key"
            ) from None
        except _UnknownKey:
            raise PlaceGone(
                "the host key of the assets' server is not known; add it to the deployment's known hosts, "
                "or to known_hosts of the user that runs psynetdata"
            ) from None
        except paramiko.AuthenticationException:
            raise PlaceGone("the server of the assets refused our credentials") from None
        except _BROKEN:
            self._drop()
            raise Trouble("the connection to the assets' server broke", unreachable=True) from None
        except FileNotFoundError:
            raise Missing("there is no such file") from None
        except PermissionError:
            raise Missing("permission to read it was denied") from None
        except socket.gaierror:
            raise Trouble("the server of the assets is not known by that name", unreachable=True) from None
        except OSError as error:
            if error.errno is None:  # what the server said in words of its own
                raise Missing("it cannot be read") from None
            self._drop()
            raise Trouble("the server of the assets cannot be reached", unreachable=True) from None

    def _drop(self) -> None:
        self._storage.close()
        self._storage._sftp = None
        self._root, self._folders = "", {}


class _Reads:
    """Reads of one file, some of them on their way while the first is used.

    paramiko's own prefetch keeps no bound: it may take a request for the last one and then gathers what nobody reads.
    """

    def __init__(self, file: paramiko.SFTPFile):
        self._sftp, self._handle = file.sftp, file.handle
        self._asked: deque[tuple[int, int, int]] = deque()
        self._came: dict[int, bytes] = {}

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes `start` to `stop`, fewer where the file ends before."""
        while self._asked or start < stop:
            while len(self._asked) < _AHEAD and start < stop:
                length = min(_AT_ONCE, stop - start)
                self._asked.append(self._ask(start, length))
                start += length
            number, offset, length = self._asked.popleft()
            while number not in self._came:
                self._sftp._read_response()
            block = self._came.pop(number)
            if not block:
                return
            if len(block) < length:
                self._asked.appendleft(self._ask(offset + len(block), length - len(block)))
            yield block

    def _ask(self, offset: int, length: int) -> tuple[int, int, int]:
        return self._sftp._async_request(self, CMD_READ, self._handle, int64(offset), length), offset, length

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """Called by paramiko with an answer."""
        self._came[number] = message.get_string() if kind == CMD_DATA else self._end(message)

    def _end(self, message: paramiko.Message) -> bytes:
        with suppress(EOFError):
            self._sftp._convert_status(message)
        return b""


def _load_known(keys: paramiko.HostKeys, lines: str) -> None:
    for line in filter(str.strip, lines.splitlines()):
        if entry := paramiko.hostkeys.HostKeyEntry.from_line(line):
            for name in entry.hostnames:
                keys.add(name, entry.key.get_name(), entry.key)
    if not lines.strip():
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
        except (paramiko.SSHException, ValueError):
            continue
    raise PlaceGone("the private key for the assets' server cannot be read (one with a passphrase cannot be used)")
