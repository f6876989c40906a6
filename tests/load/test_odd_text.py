"""Text that trips databases and JSON readers loads, is mirrored and leaves as it came, byte for byte."""

import hashlib
import io
import json
import zipfile

import pytest
from django.core.files.storage import default_storage

from exports.package.options import ExportOptions
from exports.package.request import request_export, run_here
from psynetdata.faces import IDENTIFIED
from psynetdata.models import Participant, Response
from tests.mirrored import load

from .uploads import reference, split, to_zip, with_cell

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]

# Not to be compressed, or PostgreSQL would make it short enough for anything.
LONG_ID = hashlib.shake_256(b"worker").hexdigest(150_000)
ODD = {
    "a NUL, escaped": r'"before \u0000 after"',
    "half a pair, escaped": r'"\ud83d alone, and \udc00"',
    "emoji": '"👩🏽‍🔬 and \U0001f9ea"',
    "right to left": '"שלום ‏(مرحبا)‎ עולם"',
    "combining and wide": '"e\u0301 ﬁ ＡＢＣ \u2028 \u00a0"',
    "quotes and line ends": '"a ""quoted"" word\\n"',
    "line ends in the cell": '{\n"a":\r\n"b"\r}',
    "NaN": '{"a": NaN, "b": [Infinity, -Infinity]}',
    "a number without end": "1" * 5000,
    "deep": "[" * 3000 + "]" * 3000,
    "backslashes": '"\\\\N \\\\. \\\\t"',
    "what COPY ends with": "\\.",
    "what COPY takes for NULL": "\\N",
    "long": json.dumps("ä" * 300_000, ensure_ascii=False),
}


@pytest.fixture
def tables():
    found = with_cell(reference(), "participant", "worker_id", LONG_ID)
    for row, text in enumerate(ODD.values(), start=1):
        found = with_cell(found, "response", "answer", text, row)
    return found


def exported(deployment, anonymize: str) -> zipfile.ZipFile:
    export = request_export(deployment, ExportOptions(anonymize=anonymize, assets="none"), here=True)
    run_here(export)
    return zipfile.ZipFile(default_storage.open(export.archives.get().file))


def database(archive: zipfile.ZipFile, mode: str) -> dict[str, list]:
    with zipfile.ZipFile(io.BytesIO(archive.read(f"{mode}/database.zip"))) as inner:
        names = [name for name in inner.namelist() if name.startswith("data/")]
        return {name.removeprefix("data/").removesuffix(".csv"): split(inner.read(name)) for name in names}


def test_it_leaves_as_it_came(tables, tmp_path):
    done = load(to_zip(tmp_path / "database.zip", tables))
    held = Response.objects.using(IDENTIFIED).filter(deployment_number=done.deployment.number)
    assert dict(held.filter(id__lte=len(ODD)).values_list("id", "answer")) == dict(enumerate(ODD.values(), start=1))
    assert Participant.objects.using(IDENTIFIED).filter(worker_id=LONG_ID).count() == 1
    came = {table: split(data) for table, data in tables.items()}
    went = database(exported(done.deployment, "no"), "regular")
    assert {table: rows[:1] + sorted(rows[1:], key=repr) for table, rows in went.items()} == {
        table: rows[:1] + sorted(rows[1:], key=repr) for table, rows in came.items()
    }


def test_it_leaves_anonymized_too(tables, tmp_path):
    done = load(to_zip(tmp_path / "database.zip", tables))
    archive = exported(done.deployment, "yes")
    went = database(archive, "anonymous")
    assert {table: len(rows) for table, rows in went.items()} == {
        table: len(split(data)) for table, data in tables.items()
    }
    assert LONG_ID.encode() not in b"".join(archive.read(name) for name in archive.namelist())
