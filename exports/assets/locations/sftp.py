"""Files behind an SSH server, through django-storages' SFTP backend over our own connection."""

import posixpath
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from psynetdata.infra.sftp.connection import Connected, NothingToOffer, Server, UnknownKey, UnreadableKey
from psynetdata.infra.sftp.read_ahead import Reads

from .base import FileMissing, IsFolder, LocationGone, Session, Stream, TransferFailed, Unchanged, checked, exactly
from .local_folder import version_of

_BROKEN = (paramiko.SSHException, EOFError, TimeoutError, ConnectionError)


class SFTPSession(Session):
    def __init__(self, server: Server):
        self._storage = Connected(server)
        self._root: str = ""
        self._folders: dict[str, str] = {}

    @contextmanager
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        with self._translated_errors():
            name, status = self._inside(path)
            if stat.S_ISDIR(status.st_mode):
                raise IsFolder
            if not stat.S_ISREG(status.st_mode):
                raise FileMissing("it is not an ordinary file")
            now = version_of(status)
            if known and now == known:
                raise Unchanged
            file = self._sftp.open(name, "rb")
        start = start if version == now else 0
        try:
            yield Stream(self._blocks(file, start, status.st_size, now), start, status.st_size, now)
        finally:
            # Not waiting for the server's answer saves a round trip; nothing was written.
            file._close(async_=True)

    def list_files(self, path: str) -> list[str] | None:
        with self._translated_errors():
            name, status = self._inside(path)
            return sorted(self._below(name, "")) if stat.S_ISDIR(status.st_mode) else None

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
            normalized = sftp.normalize(root)
            sftp.listdir_iter(normalized)  # sends nothing until it is iterated over
            if not stat.S_ISDIR(sftp.stat(normalized).st_mode):
                raise LocationGone("the folder of the assets is not a folder")
        except OSError as error:
            if isinstance(error, _BROKEN):
                raise
            raise LocationGone("the folder of the assets does not exist") from None
        return normalized

    def _inside(self, path: str):
        """Return (the file's real path, its attributes); it must be below the root after following links."""
        sftp, wanted = self._sftp, checked(path).rstrip("/")
        folder, _, last = wanted.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._below_root(sftp.normalize(posixpath.join(self._root, folder)), or_root=True)
        name = posixpath.join(self._folders[folder], last)
        status = sftp.lstat(name)
        if stat.S_ISLNK(status.st_mode):
            name = self._below_root(sftp.normalize(name))
            status = sftp.stat(name)
        return name, status

    def _below_root(self, name: str, *, or_root: bool = False) -> str:
        if not name.startswith(self._root.rstrip("/") + "/") and not (or_root and name == self._root):
            raise FileMissing("its path leads out of the assets' folder")
        return name

    def _below(self, folder: str, inside: str) -> Iterator[str]:
        for entry in self._sftp.listdir_attr(folder):
            path = posixpath.join(inside, entry.filename)
            if stat.S_ISDIR(entry.st_mode):
                yield from self._below(posixpath.join(folder, entry.filename), path)
            elif stat.S_ISREG(entry.st_mode) or self._leads_to_a_file(posixpath.join(folder, entry.filename)):
                yield path

    def _leads_to_a_file(self, link: str) -> bool:
        """Return whether a link leads to a file below the root; other links are skipped."""
        try:
            return stat.S_ISREG(self._sftp.stat(self._below_root(self._sftp.normalize(link))).st_mode)
        except (FileMissing, OSError):
            return False

    def _blocks(self, file: paramiko.SFTPFile, start: int, size: int, version: str) -> Iterator[bytes]:
        with self._translated_errors():
            yield from exactly(Reads(file).blocks(start, size), size - start)
            if version_of(file.stat()) != version:
                raise TransferFailed("it was changed while it was read", restart=True)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Translate paramiko's errors. A broken connection is made again at the next try."""
        try:
            yield
        except paramiko.BadHostKeyException:
            raise LocationGone(
                "the assets' server shows another host key than the known one; no file was requested. "
                "Find out why, then change the known key"
            ) from None
        except UnknownKey:
            raise LocationGone(
                "the host key of the assets' server is not known; add it to the deployment's known hosts, "
                "or to known_hosts of the user that runs psynetdata"
            ) from None
        except UnreadableKey:
            raise LocationGone(
                "the private key for the assets' server cannot be read (one with a passphrase cannot be used)"
            ) from None
        except NothingToOffer:
            raise LocationGone(
                "there is no key or password for the assets' server; give one with `manage.py deployment assets ID "
                "--secret-env NAME`, or put a key into an agent or ~/.ssh of the user that runs psynetdata"
            ) from None
        except IncompatiblePeer:
            raise LocationGone(
                "the assets' server has no SSH method in common with psynetdata; bring it up to date"
            ) from None
        except paramiko.AuthenticationException:
            raise LocationGone("the assets' server refused our credentials") from None
        except _BROKEN:
            self._drop()
            raise TransferFailed("the connection to the assets' server broke", unreachable=True) from None
        except FileNotFoundError:
            raise FileMissing("there is no such file") from None
        except PermissionError:
            raise FileMissing("permission to read it was denied") from None
        except socket.gaierror:
            raise TransferFailed("the name of the assets' server is not known", unreachable=True) from None
        except OSError as error:
            if error.errno is None:  # a message of the server
                raise FileMissing("it cannot be read") from None
            self._drop()
            raise TransferFailed("the assets' server cannot be reached", unreachable=True) from None

    def _drop(self) -> None:
        self._storage.close()
        self._storage._sftp = None
        self._root, self._folders = "", {}
