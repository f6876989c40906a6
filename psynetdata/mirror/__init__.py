"""Copies rows of PsyNet's tables to models, in both faces. Does not use snapshots."""

from .face_state import columns, shows, withheld
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
    "columns",
    "prepare",
    "refresh",
    "scratch",
    "shows",
    "withheld",
]
