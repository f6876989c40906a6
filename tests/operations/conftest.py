import pytest

from psynetdata.env import local_storage, sealed
from tests.load.uploads import reference, to_zip, with_cell

from .encrypted_desk import MARK


@pytest.fixture
def keys(settings, own_storage):
    """keys(…): the storage is opened with these keys from now on; none: as it is."""

    def use(*texts: str, backend: dict | None = None):
        backend = backend or local_storage(own_storage)
        settings.STORAGE_KEYS = list(texts)
        settings.STORAGES = {**settings.STORAGES, "default": sealed(backend, list(texts)) if texts else backend}

    return use


@pytest.fixture
def marked_zip(tmp_path):
    """A database with a text that must not be found in the storage."""
    tables = with_cell(reference("static"), "response", "answer", f'"{MARK}"')
    return to_zip(tmp_path / "marked.zip", tables)
