from .asset import StoredAsset
from .export import Export, ExportArchive
from .incident import Incident, Notice
from .snapshot import Snapshot
from .watch import Watch

__all__ = ["Export", "ExportArchive", "Incident", "Notice", "Snapshot", "StoredAsset", "Watch"]
