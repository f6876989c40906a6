"""Real PostgreSQL servers for tests and benchmarks, 18 and 12, each in a temporary folder of its own.

Tests ask for the fixtures `postgres` (18; under the marker `each_version` both in turn) and `own_postgres`; everything
else starts a server by `Server(version)`.
"""

from .databases import Postgres
from .install import binaries, missing
from .server import Server

__all__ = ["Postgres", "Server", "binaries", "missing"]
