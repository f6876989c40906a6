from .audit import Audit
from .beat import Beat
from .decision import Decision, Numbered
from .deployment import Deployment
from .job import Job
from .key_fingerprint import KeyFingerprint
from .known_identifiers import IdentifierPart, KnownIdentifiers
from .mirror.asset import Asset
from .mirror.base import MirroredTable, MirrorModel
from .mirror.network import Network
from .mirror.node import Node
from .mirror.participant import Participant
from .mirror.record import Record
from .mirror.response import Response
from .mirror.trial import Trial
from .saved_sheet import SavedSheet
from .secret import Secret
from .sheet_link import SheetLink
from .sign_in_failures import SignInFailures
from .token import ApiToken

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
    "KeyFingerprint",
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
    "SignInFailures",
    "Trial",
]
