"""Copies rows of PsyNet's tables to models, in both faces. Does not use snapshots."""

from .face_names import column_names, table_names
from .face_state import columns, comparable, shows, withheld
from .prepared_rows import PreparedRows
from .protocols import Filling, RowFilters, SourceTables, Transform
from .refresh import prepare, refresh
from .scratch import scratch

__all__ = [
    "Filling",
    "PreparedRows",
    "RowFilters",
    "SourceTables",
    "Transform",
    "column_names",
    "columns",
    "comparable",
    "prepare",
    "refresh",
    "scratch",
    "shows",
    "table_names",
    "withheld",
]
