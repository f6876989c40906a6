"""The kinds of trials in an experiment, and the networks and nodes that they belong to."""

from dataclasses import dataclass

from . import fake_values
from .table_writer import Rows

CUSTOM_TRIAL = "dallinger_experiment.experiment.CustomTrial"
_TRIAL_MAKER = "animals"
_KINDS = """
    SELECT DISTINCT type, trial_maker_id FROM (SELECT type, trial_maker_id FROM info ORDER BY id DESC LIMIT 10000) i
    WHERE type IS NOT NULL AND trial_maker_id IS NOT NULL ORDER BY 1, 2
"""
_WAITING = "SELECT DISTINCT %s, trial_maker_id FROM node WHERE trial_maker_id IS NOT NULL ORDER BY 2"
_NODES = """
    SELECT id, network_id, definition, block FROM node
    WHERE trial_maker_id = %s AND network_id IS NOT NULL AND NOT failed ORDER BY id LIMIT 1000
"""


@dataclass(frozen=True)
class Node:
    """Where trials belong: a node, its network, and its definition."""

    id: int
    network_id: int
    definition: str | None
    block: str | None


@dataclass(frozen=True)
class TrialKind:
    """A class of trials that the experiment has, with the nodes of its trial maker."""

    type: str
    trial_maker_id: str
    nodes: list[Node]


def find_kinds(rows: Rows) -> list[TrialKind]:
    """Return the kinds of the newest trials; without trials, those for the existing nodes; without nodes, make both."""
    for found in (rows.select(_KINDS), rows.select(_WAITING, (CUSTOM_TRIAL,))):
        kinds = [TrialKind(type_, maker, _nodes(rows, maker)) for type_, maker in found]
        kinds = [kind for kind in kinds if kind.nodes]
        if kinds:
            return kinds
    return [make_nodes(rows)]


def _nodes(rows: Rows, maker: str) -> list[Node]:
    return [Node(*row) for row in rows.select(_NODES, (maker,))]


def make_nodes(rows: Rows) -> TrialKind:
    """Make twelve networks of one node each, as in PsyNet's static demonstration."""
    nodes = []
    for animal in fake_values.ANIMALS:
        for block in fake_values.BLOCKS:
            network = rows.insert("network", **_NETWORK, block=block)
            definition = f'{{"animal": "{animal}"}}'
            node = rows.insert("node", **_NODE, network_id=network, definition=definition, block=block)
            rows.update("network", network, head_id=node)
            nodes.append(Node(node, network, definition, block))
    rows.flush()
    return TrialKind(CUSTOM_TRIAL, _TRIAL_MAKER, nodes)


_NETWORK = {
    "failed": False,
    "type": "psynet.trial.static.StaticNetwork",
    "max_size": 1,
    "full": False,
    "role": "default",
    "trial_maker_id": _TRIAL_MAKER,
    "module_id": _TRIAL_MAKER,
    "target_n_trials": 1000000,
    "participant_group": "default",
    "chain_type": "across",
    "trials_per_node": 1000000,
    "definition": {},
    "async_post_grow_network_required": False,
    "async_post_grow_network_requested": False,
    "async_post_grow_network_complete": False,
    "async_post_grow_network_failed": False,
}
_NODE = {
    "failed": False,
    "type": "psynet.trial.static.StaticNode",
    "trial_maker_id": _TRIAL_MAKER,
    "module_id": _TRIAL_MAKER,
    "on_deploy_complete": True,
    "async_on_deploy_required": False,
    "async_on_deploy_requested": False,
    "async_on_deploy_complete": False,
    "async_on_deploy_failed": False,
    "degree": 0,
    "target_n_trials": 1000000,
    "can_spawn": False,
    "seed": {},
    "participant_group": "default",
    "propagate_failure": False,
}
