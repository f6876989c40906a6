"""Whole exports against the ones that PsyNet 13.3 wrote from the same databases: every file, row, column and value."""

import ast
import csv
import io
import json
import zipfile

import pytest
from django.core.files.storage import default_storage

from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata.psynet import csvtext, times
from tests.store.snapshot_factory import DATA

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")

# What no snapshot tells: docs/fidelity.md says of each why.
NOT_THERE: set[str] = set()


@pytest.mark.parametrize("name", REFERENCES)
def test_every_value_of_psynet_is_in_ours(name, loaded):
    ours, theirs = _ours(loaded(name)), _theirs(name)
    assert set(ours) - set(theirs) == {"ExperimentStatus"}
    assert set(theirs) <= set(ours)
    differing = []
    for cls, rows in theirs.items():
        key = _key(cls)
        mine = {key(row): row for row in ours[cls]}
        assert len(mine) == len(rows) == len(ours[cls]), cls
        for row in rows:
            found = mine[key(row)]
            differing += [
                (cls, column, found.get(column), value)
                for column, value in row.items()
                if column not in NOT_THERE and not (column in found and _same(found[column], value))
            ]
    assert differing == []


def test_every_documented_difference_is_written_down():
    text = (DATA.parent.parent / "docs" / "fidelity.md").read_text(encoding="utf-8")
    assert [name for name in sorted(NOT_THERE) if f"`{name}`" not in text] == []


def _ours(deployment):
    """{class: [{column: cell}]} of a regular export, None for NULL."""
    export = request_export(deployment, ExportOptions(anonymize="no", assets="none"), here=True)
    run_here(export)
    found = {}
    with zipfile.ZipFile(default_storage.open(export.archives.get().file)) as archive:
        for name in archive.namelist():
            if name.startswith("regular/data/"):
                header, *rows = csvtext.rows(csvtext.records(io.BytesIO(archive.read(name))))
                found[name.removeprefix("regular/data/").removesuffix(".csv")] = [
                    dict(zip(header, row, strict=True)) for row in rows
                ]
    return found


def _theirs(name):
    found = {}
    for path in (DATA / name / "psynet-export" / "regular" / "data").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def _key(cls):
    if cls == "AssetNode":
        return lambda row: (row["node_id"], row["asset_id"])
    if cls == "AssetTrial":
        return lambda row: (row["trial_id"], row["asset_id"], row["local_key"])
    return lambda row: row["id"]


def _same(ours, theirs):
    """Equal after what docs/fidelity.md lists: NULL and NaN are empty there, times cut, whole numbers floats."""
    ours = "" if ours in (None, "NaN") else ours
    if ours == theirs:
        return True
    moment = times.parse(ours.replace("T", " ").removesuffix("Z")) if ours.endswith("Z") else None
    if moment is not None:
        return theirs == f"{moment:%Y-%m-%d %H:%M:%S}"
    for read in (json.loads, ast.literal_eval):
        try:
            return repr(json.loads(ours)) == repr(read(theirs)) or float(ours) == float(theirs)
        except (ValueError, TypeError, SyntaxError):
            continue
    return False
