"""Copies rows of PsyNet's tables to models, in both faces. Does not use snapshots."""

from .face_state import columns, shows, withheld
from .protocols import Again, Filling, SourceTables, Transform
from .refresh import refresh
from .scratch import scratch

__all__ = ["Again", "Filling", "SourceTables", "Transform", "columns", "refresh", "scratch", "shows", "withheld"]
