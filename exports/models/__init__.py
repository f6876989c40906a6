from .export import Export, ExportArchive
from .snapshot import Snapshot

__all__ = ["Export", "ExportArchive", "Snapshot"]
