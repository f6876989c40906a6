"""Source `local`: an experiment's PostgreSQL that can be reached directly by its address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput

from . import postgres
from .base import Access, Located, SourceKind
from .postgres import Address
from .read_transaction import ReadTransaction

# Where PsyNet keeps assets on the machine that runs the experiment (psynet.asset, LocalStorage).
ASSETS = Path("~/psynet-data/assets")
_LOOKED_AT = 200  # assets whose files are checked
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Local(SourceKind):
    source = Deployment.Source.LOCAL
    schemes = ("postgres://", "postgresql://")
    example = "postgres://role@host:5432/database"
    own_way = "libpq looks in PGPASSWORD and ~/.pgpass"

    def locate(self, url: str) -> Located:
        address = postgres.parse(url)
        if "@" in urlsplit(url).path:  # in a name it would be written as %40
            raise BadInput(
                "If a password holds / or @, give it in its own field or with --password-env, not in the address."
            )
        return Located(address.url, address.label, address.password)

    @contextmanager
    def reach(self, located: Located, access: Access) -> Iterator[Address]:
        yield postgres.parse(located.url).with_password(access.password)

    def assets(self, located: Located, held: ReadTransaction) -> str:
        """Return the folder of this machine where PsyNet keeps assets, if files of this experiment are there."""
        host = postgres.parse(located.url).host
        folder = ASSETS.expanduser()
        columns = next((table.columns for table in held.tables if table.name == "asset"), ())
        here = host in _LOOPBACK or host.startswith("/")
        if not here or not folder.is_dir() or "host_path" not in [column.name for column in columns]:
            return ""
        paths = held.query(
            "SELECT host_path FROM public.asset WHERE host_path IS NOT NULL ORDER BY id LIMIT %s", (_LOOKED_AT,)
        )
        try:
            return folder.as_uri() if any((folder / path.lstrip("/")).exists() for (path,) in paths) else ""
        except OSError:  # a path that the file system does not accept, or a folder that we may not read
            return ""
