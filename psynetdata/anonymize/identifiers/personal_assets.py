"""Which assets are personal, and which of their values could lead back to a file.

PsyNet marks only a recording itself (`asset.personal`); plots of it and stimuli
made from it are not marked. Here an asset is personal when its flag says so, its
parent is a trial or a participant, or its node was made from trials: a node
that has a parent node (psynet.trial.chain, ChainNode.create_definition_from_seed), or
that belongs to one participant.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from psynetdata.anonymize.policy import selector_text
from psynetdata.anonymize.policy.rules import Policy
from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.csvtext import Row
from psynetdata.psynet.tables import class_name

from .contribution import Contribution

# Values in these columns that a public asset has too are not identifiers.
PLACES = columns_with_role(Role.FILE, "asset")
HASHES = columns_with_role(Role.FILE_HASH, "asset")
# File names: with at least LONG_NAME characters they are searched for without their extension; with at least
# SHORT_NAME characters with it, and only if they contain a digit; `audio.wav` identifies nobody.
LONG_NAME = 20
SHORT_NAME = 11


def reader(table: str, names: list[str], policy: Policy) -> "AssetReader | None":
    """Return the reader for one table, or None: most tables say nothing about assets."""
    return AssetReader(table, names, policy) if table in ("asset", "asset_participant", "node") else None


class AssetReader:
    """Collects from a part's rows: nodes made from trials, assets linked to people, and traces of each asset's file.

    An asset is stored as [id, whether it is personal (None: its node or a link decides), node id, {trace: kind}, [names
    that the experimenter gave it]].
    """

    def __init__(self, table: str, names: list[str], policy: Policy):
        self._names, self._policy = names, policy
        self.read = {"asset": self._asset, "asset_participant": self._link, "node": self._node}[table]
        self._made: list[str] = []
        self._linked: set[int] = set()
        self._assets: list[list[Any]] = []

    def give(self, contribution: Contribution) -> None:
        contribution.made, contribution.linked, contribution.assets = self._made, sorted(self._linked), self._assets

    def _node(self, cells: Row) -> None:
        row = self._by_name(cells)
        if is_made_by_people(row):
            self._made.append(row.get("id") or "")

    def _link(self, cells: Row) -> None:
        """Read a link to a participant. A link to a trial does not count, because the asset may be its stimulus."""
        if number := self._by_name(cells).get("asset_id"):
            self._linked.add(int(number))

    def _asset(self, cells: Row) -> None:
        row = self._by_name(cells)
        names = [name for name in (row.get("local_key"), row.get("module_id")) if name]
        personal = is_personal(row, self._policy)
        self._assets.append([int(row["id"] or 0), personal, row.get("node_id") or "", traces_of(row), names])

    def _by_name(self, cells: Row) -> dict[str, str | None]:
        return dict(zip(self._names, cells, strict=True))


class PersonalAssets:
    """Puts the assets of all parts together. The parts of `node` and `asset_participant` must come first.

    `personal`, `traces`: what other moments showed to be personal; it is personal at this moment too.
    """

    def __init__(self, personal: Iterable[int] = (), traces: dict[str, str] | None = None) -> None:
        self.personal: set[int] = set(personal)
        self._always = frozenset(self.personal)
        self._made: set[str] = set()
        self._linked: set[int] = set()
        self._traces: dict[str, str] = dict(traces or {})
        self._public: set[str] = set()

    def add(self, contribution: Contribution) -> None:
        self._made.update(contribution.made)
        self._linked.update(contribution.linked)
        for number, personal, node, traces, names in contribution.assets:
            found = number in self._linked or node in self._made or number in self._always
            if personal or (personal is None and found):
                self.personal.add(number)
                self._traces |= traces
            else:
                self._public.update(traces, names)

    def traces(self) -> dict[str, str]:
        """Return {value: kind} of values that lead to a personal file, without those that a public asset has too."""
        return {value: kind for value, kind in self._traces.items() if value not in self._public}


def decided_public(rows: Iterable[dict[str, str | None]], policy: Policy) -> frozenset[str]:
    """Return the ids of assets that a rule makes public. `rows` are dictionaries {column: text}."""
    if not policy.selectors("asset", "*"):
        return frozenset()
    return frozenset(row["id"] or "" for row in rows if is_personal(row, policy) is False)


def asset_selector(row: dict[str, str | None]) -> str:
    """Return the selector `<Class>/<module>/<local key>` of an asset row."""
    parts = (class_name("asset", row.get("type")), row.get("module_id") or "", row.get("local_key") or "")
    return "/".join(selector_text.of_name(part) if part else "" for part in parts)


def is_flagged(row: dict[str, str | None]) -> bool:
    """Return whether PsyNet marks an asset as personal."""
    return row.get("personal") == "t"


def is_made_by_people(row: dict[str, str | None]) -> bool:
    """Return whether a node was made from trials, or belongs to one participant."""
    return bool(row.get("parent_id") or row.get("participant_id") or (row.get("degree") or "0") != "0")


def is_personal(row: dict[str, str | None], policy: Policy) -> bool | None:
    """Return whether an asset is personal; None: other tables decide.

    The flag `personal` comes first, then a rule `asset,*,<Class>/<module>/<local key>`.
    """
    if is_flagged(row):
        return True
    rule = policy.rule("asset", "*", asset_selector(row))
    if rule is not None:
        return rule.shared != "keep"
    if row.get("trial_id") or row.get("participant_id") or _names_a_person(row.get("parent")):
        return True
    return None


def _names_a_person(parent: str | None) -> bool:
    """Return whether an asset's parent is a trial or a participant.

    `parent` is jsonpickle text, the only source in databases of older PsyNets: {"py/object": "x.MyTrial", …}.
    """
    value = jsontext.decode(parent)
    name = str(value.get("py/object", "")).rpartition(".")[2].lower() if isinstance(value, dict) else ""
    return name.endswith("trial") or "participant" in name or name == "bot"


def traces_of(row: dict[str, str | None]) -> dict[str, str]:
    """Return {value: kind} of the values in an asset's row that lead to its file."""
    traces: dict[str, str] = {}
    for column in PLACES:
        value = row.get(column)
        # A key without a folder is the local key, a name that the experimenter chose.
        if not value or ("/" not in value and column.startswith("key_")):
            continue
        traces |= {value: "asset", unquote(value): "asset"}
        name = unquote(value).split("?")[0].rstrip("/").rpartition("/")[2]
        stem = name.rpartition(".")[0] or name
        if len(stem) >= LONG_NAME:
            traces[stem] = "asset"
        elif len(name) >= SHORT_NAME and any(map(str.isdigit, name)):
            traces[name] = "asset"
    return traces | {value: "asset_hash" for column in HASHES if (value := row.get(column))}
