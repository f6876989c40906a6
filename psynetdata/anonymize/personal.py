"""Which assets are personal, and what of them could be followed back to a file.

PsyNet marks only a recording itself (`asset.personal`); plots of it and stimuli
made from it are not marked. Here an asset is personal when its flag says so, its
parent is a trial or a participant, or its node was made from trials: a node
that has a parent node (psynet.trial.chain, ChainNode.create_definition_from_seed), or
that belongs to one participant.
"""

from collections.abc import Iterator
from urllib.parse import unquote

from ..psynet import jsontext
from ..psynet.source import TableSource
from ..psynet.tables import class_name
from .policy import Policy

# What names a file or its place. Values a public asset has too are no identifiers.
PLACES = ("host_path", "url", "export_path", "input_path", "key_within_module", "key_within_experiment", "s3_key")
HASHES = ("md5_contents", "content_id")
# File names: from LONG_NAME on they are looked for without their extension, from SHORT_NAME on with it
# and only where they are numbered; `audio.wav` says nothing.
LONG_NAME = 20
SHORT_NAME = 11


def personal_assets(source: TableSource, policy: Policy) -> frozenset[int]:
    """Ids of the personal assets. A rule `asset,*,<Class>/<module>/<local key>` decides; a flag of true holds."""
    if "asset" not in source.tables():
        return frozenset()
    made = _nodes_made_from_trials(source)
    linked = _linked_assets(source)
    found = set()
    for row in dict_rows(source, "asset"):
        number = int(row["id"] or 0)
        if row.get("personal") == "t" or _is_personal(row, made, number in linked, policy):
            found.add(number)
    return frozenset(found)


def asset_selector(row: dict[str, str | None]) -> str:
    """`<Class>/<module>/<local key>` of an asset row."""
    return f"{class_name('asset', row.get('type'))}/{row.get('module_id') or ''}/{row.get('local_key') or ''}"


def file_traces(source: TableSource, personal: frozenset[int]) -> dict[str, str]:
    """{value: kind} of all that leads to a personal file, without what a public asset has too."""
    if not personal:
        return {}
    found: dict[str, str] = {}
    public: set[str] = set()
    for row in dict_rows(source, "asset"):
        traces = _traces(row)
        if int(row["id"] or 0) in personal:
            found |= traces
        else:
            public |= {*traces, *filter(None, (row.get("local_key"), row.get("module_id")))}
    return {value: kind for value, kind in found.items() if value not in public}


def dict_rows(source: TableSource, table: str) -> Iterator[dict[str, str | None]]:
    """Rows as dictionaries by column name."""
    names = [column.name for column in source.columns(table)]
    for row in source.rows(table):
        yield dict(zip(names, row, strict=True))


def _is_personal(row: dict[str, str | None], made: set[str], linked: bool, policy: Policy) -> bool:
    rule = policy.rule("asset", "*", asset_selector(row))
    if rule is not None:
        return rule.shared != "keep"
    if linked or row.get("trial_id") or row.get("participant_id") or (row.get("node_id") or "") in made:
        return True
    return _names_a_person(row.get("parent"))


def _names_a_person(parent: str | None) -> bool:
    """`parent` is jsonpickle text; databases of older PsyNets have nothing else: {"py/object": "x.MyTrial", …}."""
    value = jsontext.decode(parent)
    name = str(value.get("py/object", "")).rpartition(".")[2].lower() if isinstance(value, dict) else ""
    return name.endswith("trial") or "participant" in name or name == "bot"


def _linked_assets(source: TableSource) -> set[int]:
    """Assets that a link table gives to a participant. A trial's link does not count: it may be to its stimulus."""
    if "asset_participant" not in source.tables():
        return set()
    return {int(row["asset_id"]) for row in dict_rows(source, "asset_participant") if row.get("asset_id")}


def _nodes_made_from_trials(source: TableSource) -> set[str]:
    if "node" not in source.tables():
        return set()
    return {
        row["id"] or ""
        for row in dict_rows(source, "node")
        if row.get("parent_id") or row.get("participant_id") or (row.get("degree") or "0") != "0"
    }


def _traces(row: dict[str, str | None]) -> dict[str, str]:
    traces: dict[str, str] = {}
    for column in PLACES:
        value = row.get(column)
        # A key without a folder is the local key, a name of the experimenter's.
        if not value or ("/" not in value and column.startswith("key_")):
            continue
        traces |= {value: "asset", unquote(value): "asset"}
        name = unquote(value).split("?")[0].rstrip("/").rpartition("/")[2]
        stem = name.rpartition(".")[0] or name
        if len(stem) >= LONG_NAME:
            traces[stem] = "asset"
        elif len(name) >= SHORT_NAME and any(map(str.isdigit, name)):
            traces[name] = "asset"
    return traces | {row[column]: "asset_hash" for column in HASHES if row.get(column)}
