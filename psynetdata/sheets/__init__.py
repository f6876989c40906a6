"""Sheets: named tables of basic data, built in or written by the experimenter as `get_basic_data`.

An experimenter's module imports from here the names that it would import from psynet in PsyNet:

    from psynetdata.sheets import DataError, Experiment, Participant, Trial
"""

from .basic_data.computation import MethodFailed, basic_data_for, compute_basic_data
from .basic_data.experiment import DataError, Experiment
from .basic_data.row_objects import Asset, Network, Node, Participant, Response, Trial
from .basic_data.scope import scope
from .catalogue import BUILT_IN, Catalogue, UnknownSheet
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
