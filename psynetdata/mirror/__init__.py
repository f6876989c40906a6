"""From rows of PsyNet's tables to models, in both faces; knows no snapshot."""

from .refresh import SourceTables, Transform, refresh
from .scratch import scratch
from .state import columns, shows, withheld

__all__ = ["SourceTables", "Transform", "columns", "refresh", "scratch", "shows", "withheld"]
