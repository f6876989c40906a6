from .asset import StoredAsset
from .export import Export, ExportArchive
from .incident import Incident, Notice
from .snapshot import Snapshot
from .source_code import SourceCode
from .summary import SegmentTally, Summary
from .watch import Watch

__all__ = [
    "Export", "ExportArchive", "Incident", "Notice", "SegmentTally", "Snapshot", "SourceCode", "StoredAsset", "Summary",
    "Watch",
]  # fmt: skip
