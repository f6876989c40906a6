"""Sheets: named tables of basic data, built in or written by the experimenter as `get_basic_data`.

An experimenter's module imports from here what PsyNet's own would import from psynet:

    from psynetdata.sheets import DataError, Experiment, Participant, Trial
"""

from .basic_data import MethodFailed, basic_data_for, compute_basic_data
from .catalogue import BUILT_IN, Catalogue, UnknownSheet
from .experiment import DataError, Experiment
from .rows import Asset, Network, Node, Participant, Response, Trial
from .scope import scope
from .sheet import Sheet

__all__ = [
    "BUILT_IN",
    "Asset",
    "Catalogue",
    "DataError",
    "Experiment",
    "MethodFailed",
    "Network",
    "Node",
    "Participant",
    "Response",
    "Sheet",
    "Trial",
    "UnknownSheet",
    "basic_data_for",
    "compute_basic_data",
    "scope",
]
