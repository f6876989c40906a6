"""Source `local`: an experiment's PostgreSQL that can be reached by its address. Looked at before it is registered."""

from dataclasses import dataclass
from pathlib import Path

from psynetdata.psynet import csvtext, experiment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.tables import Column

from .moment import Moment, moment
from .postgres import Address

# Where PsyNet keeps assets on the machine that runs the experiment (psynet.asset, LocalStorage).
ASSETS = Path("~/psynet-data/assets")
_LOOKED_AT = 200  # assets whose files are looked for
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Probe:
    """What was found at an address. `assets`: the folder in which files of its assets lie, None where none was seen.

    `version` as PostgreSQL says it, `bytes` of the whole database, `rows` {table: rows} of people and their work.
    """

    info: ExperimentInfo
    version: str
    bytes: int
    tables: int
    rows: dict[str, int]
    assets: Path | None


def probe(address: Address) -> Probe:
    """Connect, check rights and version, and read what the database says of itself. Raises as `moment` does."""
    with moment(address, readers=1) as held:
        size, version = held.query("SELECT pg_database_size(current_database()), current_setting('server_version')")[0]
        return Probe(
            info=experiment.read(_Few(held)),
            version=version.split()[0],
            bytes=size,
            tables=len(held.tables),
            rows={name: held.query(f"SELECT count(*) FROM public.{name}")[0][0] for name in _COUNTED},
            assets=_assets(held, address),
        )


_COUNTED = ("participant", "info", "response")


class _Few:
    """The few rows that tell of the experiment, as a TableSource."""

    def __init__(self, held: Moment):
        self._held = held
        self._tables = {table.name: table for table in held.tables}

    def tables(self) -> list[str]:
        return sorted(self._tables)

    def columns(self, table: str) -> list[Column]:
        return list(self._tables[table].columns)

    def rows(self, table: str):
        """As text, the way COPY writes it."""
        found = self._tables[table]
        out = _Records()
        self._held.copy(f"SELECT {found.listed} FROM {found.rows_of} ORDER BY id", out)
        return csvtext.rows(out.records)


class _Records:
    """psycopg2 writes a row a call."""

    def __init__(self):
        self.records: list[bytes] = []

    def write(self, record: bytes) -> None:
        self.records.append(record.removesuffix(b"\n"))


def _assets(held: Moment, address: Address) -> Path | None:
    here = address.host in _LOOPBACK or address.host.startswith("/")
    folder = ASSETS.expanduser()
    columns = next((table.columns for table in held.tables if table.name == "asset"), ())
    if not here or not folder.is_dir() or "host_path" not in [column.name for column in columns]:
        return None
    paths = held.query(
        "SELECT host_path FROM public.asset WHERE host_path IS NOT NULL ORDER BY id LIMIT %s", (_LOOKED_AT,)
    )
    try:
        return folder if any((folder / path.lstrip("/")).exists() for (path,) in paths) else None
    except OSError:  # no path that a file system takes, or a folder that is not ours to look into
        return None
