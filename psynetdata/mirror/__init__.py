"""Copies rows of PsyNet's tables to models, in both faces. Does not use snapshots."""

from .face_state import columns, shows, withheld
from .protocols import Filling, RowFilters, SourceTables, Transform
from .refresh import refresh
from .scratch import scratch

__all__ = ["Filling", "RowFilters", "SourceTables", "Transform", "columns", "refresh", "scratch", "shows", "withheld"]
