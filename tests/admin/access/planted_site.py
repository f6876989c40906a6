"""A deployment with an identifier of its own in every kind of place that has text: names, keys, labels, files."""

import json
from functools import partial
from hashlib import sha256
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from exports.admin.asset.asset_file import _as_text
from exports.assets.plan import plan
from exports.models import Snapshot, StoredAsset
from exports.models.asset import file_of
from exports.operations import policy
from psynetdata import jobs
from psynetdata.models import Asset, Decision, Deployment
from tests.load.uploads import Tables, changed, joined, reference, to_zip
from tests.mirrored import load

PLACES = (
    "class", "table", "column", "withheld column", "table without rows", "sequence", "vars key", "definition key",
    "participant key", "question", "answer", "module", "trial maker", "group", "asset key", "asset path",
    "description", "title", "network", "reason", "request", "JSON file", "SVG file", "file name", "CSV file", "sound",
)  # fmt: skip
STIMULUS = 1  # an asset that is not personal


def identifier(place: str) -> str:
    """The worker id that appears in this place, besides its participant's row. Databases have names in lower case."""
    return sha256(place.encode()).hexdigest()[:24]


def plant(folder: Path) -> Deployment:
    deployment = load(to_zip(folder / "database.zip", planted_tables())).deployment
    Snapshot.objects.update(
        sequences={f"{identifier('sequence')}_id_seq": 7, "participant_id_seq": 9},
        server={"version": 180004, "started": "", "database": "exp", "system": "1"},
    )
    jobs.run_here(policy.KIND, deployment=deployment, options={"snapshot": deployment.snapshots.get().pk})
    place = {"table": f"diary_{identifier('table')}", "column": f"mood_{identifier('column')}"}
    Decision.objects.create(deployment=deployment, **place, shared="drop", open="drop", kind="content")
    for number, (name, content) in enumerate(files().items()):
        store_file(deployment, number, name, content)
    return deployment


def planted_tables() -> Tables:
    tables = changed(reference("static_audio"), "participant", _join)
    for table, column, place, text in (
        ("info", "type", "class", "dallinger_experiment.experiment.Trial_{}"),
        ("info", "vars", "vars key", '{{"{}": 1}}'),
        ("info", "definition", "definition key", '{{"note": {{"{}": 1}}}}'),
        ("info", "failed_reason", "reason", "{} was here"),
        ("info", "trial_maker_id", "trial maker", "maker_{}"),
        ("participant", "vars", "participant key", '{{"{}": 1}}'),
        ("response", "question", "question", "What does {} like?"),
        ("response", "answer", "answer", '"I am {}"'),
        ("module_state", "module_id", "module", "module {}"),
        ("node", "participant_group", "group", "group {}"),
        ("network", "vars", "network", '{{"about": "{}"}}'),
        ("asset", "local_key", "asset key", "key_{}"),
        ("asset", "export_path", "asset path", "stimuli/{}.wav"),
        ("asset", "description", "description", "by {}"),
        ("request", "params", "request", '{{"workerId": "{}"}}'),
    ):
        tables = changed(tables, table, partial(_set, column, text.format(identifier(place))))
    tables = changed(tables, "experiment", _entitle)
    own = f"diary_{identifier('table')}"
    header = ["id", "participant_id", f"mood_{identifier('column')}", f"phone_{identifier('withheld column')}"]
    tables[own] = joined([header, ["1", "1", "good", "112"], ["2", "1", "bad", "110"]])
    tables[f"empty_{identifier('table without rows')}"] = joined([["id", "x"]])
    return tables


def files() -> dict[str, bytes]:
    """{name: content} of files in a folder asset that is not personal."""
    return {
        "notes.json": json.dumps({"who": identifier("JSON file")}).encode(),
        "drawing.svg": f"<svg xmlns='http://www.w3.org/2000/svg'><text>{identifier('SVG file')}</text></svg>".encode(),
        f"{identifier('file name')}.txt": b"nothing",
        "table.csv": f"a,b\n1,{identifier('CSV file')}\n".encode(),
        "sound.wav": b"RIFF\x24\0\0\0WAVEfmt " + identifier("sound").encode(),
        "good.txt": b"a stimulus",
    }


def store_file(deployment: Deployment, number: int, name: str, content: bytes) -> StoredAsset:
    """As if it had been fetched."""
    (asset,) = plan([_as_text(Asset.objects.using("identified").get(id=STIMULUS))], "all")
    digest = sha256(content).hexdigest()
    if not default_storage.exists(file_of(digest)):
        default_storage.save(file_of(digest), ContentFile(content))
    return StoredAsset.objects.create(
        deployment=deployment, asset_id=STIMULUS, number=number, inside=name, source=asset.source, claim=asset.claim,
        sha256=digest, bytes=len(content),
    )  # fmt: skip


def _join(rows: list) -> list:
    """Add a participant for each place."""
    at, like = {name: n for n, name in enumerate(rows[0])}, rows[1]
    for number, place in enumerate(PLACES, 101):
        row = list(like)
        row[at["id"]], row[at["worker_id"]] = str(number), identifier(place)
        row[at["unique_id"]] = f"{identifier(place)}:{number}"
        rows.append(row)
    return rows


def _set(column: str, value: str, rows: list) -> None:
    at = rows[0].index("id")
    min(rows[1:], key=lambda row: int(row[at]))[rows[0].index(column)] = value


def _entitle(rows: list) -> None:
    at = rows[0].index("vars")
    rows[1][at] = json.dumps(json.loads(rows[1][at]) | {"title": f"The taste of {identifier('title')}"})
