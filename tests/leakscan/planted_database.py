"""A PsyNet-like database in which every kind of identifier and secret stands in every form, in every text column.

Each kind has a value of its own for each form, so that a finding's kind can say both. Written into all text columns of
all tables, the experimenter's own included; into JSON one to five deep, as value and as key; into names of classes and
assets.
"""

import hashlib
import json
from functools import cache

from exports.leakscan.needles import identity_names
from psynetdata.psynet.tables import Column, known_tables
from tests.budget import NIGHTLY
from tests.forms import WRITE

# All forms of the list at night; test_forms_list.py tries each of them in a few places.
_SAMPLE = ("plain", "double_percent", "html_open", "json_in_json", "quoted_printable", "full_width", "zero_width")
_SAMPLE += ("percent", "hex", "base64", "base64_unpadded", "base64_gzip", "sha256", "hash_prefix")
FORMS = {name: WRITE[name] for name in (WRITE if NIGHTLY else _SAMPLE)}
DEPTHS = range(1, 6)
OWN_TABLE = "coin"

_IDS = ("worker_id", "assignment_id", "hit_id", "fingerprint_hash", "page_uuid", "prolific_pid", "never_joined")
_IDS += ("error", "notification", "lucid_rid", "lucid_panelist", "lucid_respondent", "lucid_submission")
_OTHERS = ("address", "forwarded", "email", "password", "asset_secret", "link_secret", "recording")
KINDS = (*_IDS, "unique_id", *_OTHERS)
_TEXT = {"text", "varchar", "jsonb"}
# Columns whose values mean something to the pipeline; what is planted there stands there as a value.
_LEFT_ALONE = {"id", "type", "personal", "deployment_id", "parent", "asset_type", "extension"}


@cache
def value(kind: str, form: str) -> str:
    """The value of that kind that is written in that form only."""
    number = 1 + list(FORMS).index(form)
    digest = hashlib.sha256(f"{kind} {form}".encode()).hexdigest()
    if kind == "unique_id":
        return f"{value('worker_id', form)}:{value('assignment_id', form)}"
    if kind in ("address", "forwarded"):
        return f"203.0.{113 if kind == 'address' else 114}.{100 + number}"
    if kind == "email":
        return f"{digest[:6]}.k@mail-{number}.example.org"
    if kind == "recording":
        return f"experiments/take__{digest[:12]}.wav"
    if kind == "page_uuid":
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    return digest[: 32 if kind == "fingerprint_hash" else 24]


def pairs() -> list[tuple[str, str]]:
    """The (kind, form) that are planted."""
    return [(kind, form) for kind in KINDS for form in FORMS]


def text_columns(table: str) -> list[str]:
    """The columns that planted text goes into."""
    if table == OWN_TABLE:
        return ["note", "remark", "vars"]
    return [name for name, column in known_tables()[table].items() if _takes_text(table, column)]


def _takes_text(table: str, column: Column) -> bool:
    if column.type not in _TEXT or (table, column.name) in _OWN or identity_names.kind_of(column.name):
        return False
    return column.name not in _LEFT_ALONE


def tables() -> dict[str, list[list[str | None]]]:
    """{table: [header, row, …]}."""
    headers = {table: list(columns) for table, columns in known_tables().items()}
    headers[OWN_TABLE] = ["id", "worker_id", "note", "remark", "vars", "numbers"]
    return {table: _table(table, header) for table, header in headers.items()}


def _table(table: str, header: list[str]) -> list[list[str | None]]:
    rows: list[list[str | None]] = [header]
    planted = text_columns(table)
    once = [(form, n % len(DEPTHS) + 1, planted) for n, form in enumerate(FORMS)]
    deeper = [(form, depth, deep_columns(table)) for form in FORMS for depth in DEPTHS] if deep_columns(table) else []
    for number, (form, depth, into) in enumerate([*once, *deeper], 1):
        cells = {name: _cell(name, form, depth) for name in into}
        cells |= {name: filler for name, filler in _filler(table).items() if name in header}
        cells |= _own(table, form, number) | {"id": str(number)}
        rows.append([cells.get(name) for name in header])
    return rows


def deep_columns(table: str) -> list[str]:
    """Columns of JSON that hold each form at each depth; elsewhere one depth for each form."""
    return {"info": ["vars", "definition", "answer"], OWN_TABLE: ["vars"]}.get(table, [])


def _cell(column: str, form: str, depth: int) -> str:
    """JSON in columns that hold it, and in half of the others where the depth is odd."""
    return _text(_is_json(column) or (depth % 2 and len(column) % 2) == 1, form, depth)


@cache
def _text(is_json: bool, form: str, depth: int) -> str:
    texts = [FORMS[form](value(kind, form)) for kind in KINDS]
    if not is_json:
        return "said " + ", then ".join(texts) + " and left"
    found: object = [*texts, dict.fromkeys(texts, depth)]
    for level in range(depth):
        found = {f"level_{level}": found}
    return json.dumps(found)


@cache
def _is_json(column: str) -> bool:
    kinds = {columns[column].type for columns in known_tables().values() if column in columns}
    return "jsonb" in kinds or column in ("vars", "definition", "answer", "details", "metadata_", "params")


def _filler(table: str) -> dict[str, str]:
    """What columns that are not NULL, and are no text, need."""
    simple = {"int4": "1", "bool": "f", "timestamp": "2026-11-22 07:58:54.123456", "float8": "0.5"}
    columns = known_tables().get(table, {}).values()
    return {c.name: simple[c.type] for c in columns if c.not_null and c.type in simple}


# (table, column): where a value of a kind stands as itself.
_OWN = {
    ("participant", "worker_id"): lambda v, n: v("worker_id"),
    ("participant", "assignment_id"): lambda v, n: v("assignment_id"),
    ("participant", "unique_id"): lambda v, n: v("unique_id"),
    ("participant", "hit_id"): lambda v, n: v("hit_id"),
    ("participant", "fingerprint_hash"): lambda v, n: v("fingerprint_hash"),
    ("participant", "page_uuid"): lambda v, n: v("page_uuid"),
    ("participant", "client_ip_address"): lambda v, n: f"{v('address')}, {v('forwarded')}:4711",
    ("participant", "entry_information"): lambda v, n: json.dumps({"PROLIFIC_PID": v("prolific_pid")}),
    ("participant", "vars"): lambda v, n: json.dumps({"note": f"write to {v('email')}, please"}),
    ("participant", "type"): lambda v, n: "psynet.participant.Participant",
    ("request", "params"): lambda v, n: json.dumps({"workerId": v("never_joined")}),
    ("request", "unique_id"): lambda v, n: v("unique_id"),
    ("error", "worker_id"): lambda v, n: v("error"),
    ("notification", "assignment_id"): lambda v, n: v("notification"),
    ("lucid_rid", "rid"): lambda v, n: v("lucid_rid"),
    ("lucid_rid", "lucid_panelist_id"): lambda v, n: v("lucid_panelist"),
    ("lucid_rid", "lucid_respondent_id"): lambda v, n: v("lucid_respondent"),
    ("lucid_submissions", "response"): lambda v, n: json.dumps({"result": [{"respondent_id": v("lucid_submission")}]}),
    ("experiment_status", "extra_info"): lambda v, n: json.dumps(
        {"basic_data_url": f"http://h.org/basic_data?dashboard_user=boss&dashboard_password={v('password')}"}
    ),
    ("asset", "secret"): lambda v, n: v("asset_secret"),
    ("asset", "url"): lambda v, n: f"/on-demand-asset?id={n}&secret={v('link_secret')}",
    ("asset", "export_path"): lambda v, n: v("recording"),
    ("asset", "personal"): lambda v, n: "t",
    ("asset", "local_key"): lambda v, n: f"rec_{v('worker_id')}",
    ("info", "type"): lambda v, n: f"dallinger_experiment.experiment.Trial_{v('worker_id')}",
    ("node", "type"): lambda v, n: "psynet.trial.static.StaticNode",
    ("coin", "worker_id"): lambda v, n: v("worker_id"),
    ("coin", "numbers"): lambda v, n: str(n),
}


def _own(table: str, form: str, number: int) -> dict[str, str]:
    def of(kind: str) -> str:
        return value(kind, form)

    return {column: make(of, number) for (owner, column), make in _OWN.items() if owner == table}
