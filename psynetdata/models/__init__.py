from .anonymizing import Decision, Numbered
from .asset import Asset
from .audit import Audit
from .beat import Beat
from .deployment import Deployment
from .identifiers import IdentifierPart, KnownIdentifiers
from .job import Job
from .mirror import MirroredTable, MirrorModel
from .network import Network
from .node import Node
from .participant import Participant
from .record import Record
from .response import Response
from .saved_sheet import SavedSheet
from .secret import Secret
from .sheet_link import SheetLink
from .token import ApiToken
from .trial import Trial

TYPED_MODELS = {model.TABLE: model for model in (Participant, Trial, Asset, Node, Network, Response)}

__all__ = [
    "TYPED_MODELS",
    "ApiToken",
    "Asset",
    "Audit",
    "Beat",
    "Decision",
    "Deployment",
    "IdentifierPart",
    "Job",
    "KnownIdentifiers",
    "MirrorModel",
    "MirroredTable",
    "Network",
    "Node",
    "Numbered",
    "Participant",
    "Record",
    "Response",
    "SavedSheet",
    "Secret",
    "SheetLink",
    "Trial",
]
