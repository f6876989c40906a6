"""How a worker gets one asset's files: from the assets' location, or from a web address."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from .base import Session, Stream
from .web import WebSession


class AssetRoute:
    """How a worker gets one asset's files."""

    is_remote = True
    may_send_pages = True
    server = ""  # name of the server that is asked

    def open(self, inside: str, **how) -> AbstractContextManager[Stream]:
        raise NotImplementedError

    def list_files(self) -> list[str] | None:
        return None


class AddressRoute(AssetRoute):
    def __init__(self, session: Callable[[], WebSession], address: str):
        self._session, self._address = session, address
        self.server = address.partition("://")[2].partition("/")[0]

    def open(self, inside: str, **how) -> AbstractContextManager[Stream]:
        return self._session().open_address(self._address, **how)


class LocationRoute(AssetRoute):
    def __init__(self, session: Callable[[], Session], path: str):
        self._session, self._path = session, path

    @property
    def is_remote(self) -> bool:
        return self._session().is_remote

    @property
    def may_send_pages(self) -> bool:
        return self._session().may_send_pages

    def open(self, inside: str, **how) -> AbstractContextManager[Stream]:
        return self._session().open(f"{self._path}/{inside}" if inside else self._path, **how)

    def list_files(self) -> list[str] | None:
        return self._session().list_files(self._path)
