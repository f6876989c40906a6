"""A folder on an SSH server as storage, as safe as a local one: incomplete files are never visible under their name."""

import io
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import paramiko
from django.conf import settings
from django.core.files.base import File
from django.utils.deconstruct import deconstructible
from paramiko.ssh_exception import IncompatiblePeer
from storages.backends.sftpstorage import SFTPStorage

from psynetdata.infra.outages import Outage
from psynetdata.infra.positioned_raw import PositionedRaw

from .connection import NothingToOffer, Server, UnknownKey, UnreadableKey, connect
from .read_ahead import Reads

_BUFFER = 1 << 18


class StorageGone(Outage):
    """The storage's server cannot be used until somebody fixes the problem that the sentence names."""


@deconstructible
class SFTPFolderStorage(SFTPStorage):
    """django-storages' backend with connections that are safe to use from many threads and after a fork.

    The server's key must be in known_hosts of the user or the machine. The login uses the key file SSH_KEY if it is
    set, otherwise the agent and the keys in ~/.ssh. An existing file with the same name is replaced in one step;
    Django's storage would choose another name. Names here are content hashes or ids.
    """

    def __init__(self, host: str, port: int, user: str | None, root: str):
        super().__init__(host=host, root_path=root, interactive=False, dir_mode=0o700)
        self._server = Server(host, port, user, root)
        self._own = threading.local()

    @property
    def sftp(self) -> paramiko.SFTPClient:
        """The connection of this thread and process; opened again if it was lost."""
        own = self._own
        if getattr(own, "pid", None) != os.getpid() or not own.ssh.get_transport().is_active():
            with _translated_errors(self.host):
                own.ssh, own.sftp = connect(self._login())
            own.pid = os.getpid()
        return own.sftp

    def close(self) -> None:
        if getattr(self._own, "pid", None) == os.getpid():
            self._own.ssh.close()

    def get_available_name(self, name, max_length=None):
        return name

    def blocks(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield bytes `start` to `stop` of a file; fewer if it ends earlier."""
        with self.sftp.open(self._remote_path(name), "rb") as file:
            yield from Reads(file).blocks(start, stop)

    def _open(self, name, mode="rb"):
        if mode != "rb":
            raise ValueError("Files in this storage can only be written as a whole, with save().")
        return File(io.BufferedReader(_Remote(self.sftp.open(self._remote_path(name), "rb")), _BUFFER), name)

    def _save(self, name, content):
        temporary = f"{name}.{uuid.uuid4().hex}.part"
        try:
            super()._save(temporary, content)
            self.sftp.posix_rename(self._remote_path(temporary), self._remote_path(name))
        except BaseException:  # a full disk, but also a Ctrl-C or a timeout in the middle
            with suppress(Exception):
                self.delete(temporary)
            raise
        return name

    def _mkdir(self, path):
        try:
            super()._mkdir(path)
        except OSError:
            if not self._path_exists(path):  # another worker may have created it at the same time
                raise

    def _login(self) -> Server:
        key = Path(settings.SSH_KEY).read_text() if settings.SSH_KEY else None
        return replace(self._server, credentials=key)


class _Remote(PositionedRaw):
    """A file on the server as raw bytes; a read sends several requests ahead."""

    def __init__(self, file: paramiko.SFTPFile):
        self._file, self._size = file, file.stat().st_size

    def _length(self) -> int:
        return self._size

    def readinto(self, buffer) -> int:
        wanted = min(len(buffer), max(self._size - self._at, 0))
        count = 0
        for block in Reads(self._file).blocks(self._at, self._at + wanted):
            buffer[count : count + len(block)] = block
            count += len(block)
        self._at += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextmanager
def _translated_errors(host: str) -> Iterator[None]:
    """Raise StorageGone, with a sentence, if there is no connection."""
    try:
        yield
    except paramiko.BadHostKeyException:
        raise StorageGone(f"The host key of the storage's server {host} differs from the known one.") from None
    except UnknownKey:
        raise StorageGone(
            f"The host key of the storage's server {host} is not known; add it to known_hosts of the user that runs "
            "psynetdata."
        ) from None
    except UnreadableKey:
        raise StorageGone("The private key that SSH_KEY names cannot be read.") from None
    except NothingToOffer:
        raise StorageGone(
            f"There is no key to offer to the storage's server {host}; name one in SSH_KEY, or put one into an "
            "agent or ~/.ssh of the user that runs psynetdata."
        ) from None
    except IncompatiblePeer:
        raise StorageGone(
            f"The storage's server {host} has no SSH method in common with psynetdata; bring it up to date."
        ) from None
    except paramiko.AuthenticationException:
        raise StorageGone(f"The storage's server {host} refused our key.") from None
