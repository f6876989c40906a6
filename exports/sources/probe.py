"""Look at a source before it is registered."""

from dataclasses import dataclass

from psynetdata.psynet import csvtext, experiment
from psynetdata.psynet.experiment import ExperimentInfo
from psynetdata.psynet.tables import Column

from .base import Access, Located, SourceKind
from .read_transaction import ReadTransaction, read_transaction

_COUNTED = ("participant", "info", "response")


@dataclass(frozen=True)
class Probe:
    """What was found at an address. `assets`: the URL of its asset files; "" if it is not known.

    `version` as PostgreSQL reports it, `bytes` of the whole database, `rows` {table: rows} of people and their work.
    """

    info: ExperimentInfo
    version: str
    bytes: int
    tables: int
    rows: dict[str, int]
    assets: str


def probe(kind: SourceKind, located: Located, access: Access) -> Probe:
    """Connect, check rights and version, and read what the database says of itself.

    Raises what `read_transaction` and the kind of source raise.
    """
    with kind.reach(located, access) as address, read_transaction(address, readers=1) as held:
        size, version = held.query("SELECT pg_database_size(current_database()), current_setting('server_version')")[0]
        return Probe(
            info=experiment.read(_Few(held)),
            version=version.split()[0],
            bytes=size,
            tables=len(held.tables),
            rows={name: held.query(f"SELECT count(*) FROM public.{name}")[0][0] for name in _COUNTED},
            assets=kind.assets(located, held),
        )


class _Few:
    """The few rows that describe the experiment, as a TableSource."""

    def __init__(self, held: ReadTransaction):
        self._held = held
        self._tables = {table.name: table for table in held.tables}

    def tables(self) -> list[str]:
        return sorted(self._tables)

    def columns(self, table: str) -> list[Column]:
        return list(self._tables[table].columns)

    def rows(self, table: str):
        """Yield rows as text, as COPY writes it."""
        table_rows = self._tables[table]
        out = _Records()
        self._held.copy(f"SELECT {table_rows.listed} FROM {table_rows.rows_of} ORDER BY id", out)
        return csvtext.rows(out.records)


class _Records:
    """Collects rows; psycopg2 writes one row with each call."""

    def __init__(self):
        self.records: list[bytes] = []

    def write(self, record: bytes) -> None:
        self.records.append(record.removesuffix(b"\n"))
