from .asset import SearchedFile, StoredAsset
from .checked_part import CheckedPart, PackRepair
from .export import Export, ExportArchive
from .incident import Incident, Notice, SlackThread
from .installation import Installation
from .ledger import LedgerFile
from .manifest import DeploymentManifest
from .note import Note
from .schedule import ExportPreset, ExportSchedule
from .second_copy import CopiedFile, DecidedDeletion, SecondCopy
from .server_logs import ServerLogs
from .snapshot import Snapshot
from .source_code import SourceCode
from .summary import SegmentTally, Summary
from .unreferenced import QuarantinedFile, ReleasedFile
from .watch import Watch
from .withdrawal import Withdrawal

__all__ = [
    "CheckedPart", "CopiedFile", "DecidedDeletion", "DeploymentManifest", "Export", "ExportArchive", "ExportPreset",
    "ExportSchedule", "Incident", "Installation", "LedgerFile", "Note", "Notice", "PackRepair", "QuarantinedFile",
    "ReleasedFile", "SearchedFile", "SecondCopy", "SegmentTally", "ServerLogs", "SlackThread", "Snapshot", "SourceCode",
    "StoredAsset", "Summary", "Watch", "Withdrawal",
]  # fmt: skip
