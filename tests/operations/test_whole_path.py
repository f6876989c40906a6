"""From the file that is handed in to the file that is handed out: the same counts everywhere (law 7)."""

import io
import json
from collections import Counter
from zipfile import ZipFile

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from exports.models import Snapshot
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror.bulk_writer import rows_of
from psynetdata.mirror.conversion import model_of
from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet import csvtext
from psynetdata.psynet.table_source import ZipSource
from psynetdata.psynet.tables import TYPED_TABLES, UNMIRRORED_TABLES
from tests.references import REFERENCES

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]

SHEETS = {"info": "trial"} | {table: table for table in TYPED_TABLES if table != "info"}


def rows_in(source) -> dict[str, int]:
    return {table: sum(1 for _ in source.rows(table)) for table in source.tables()}


def rows_of_class_files(folder) -> int:
    found = 0
    for path in folder.glob("*.csv"):
        with path.open("rb") as file:
            found += sum(1 for _ in csvtext.records(file)) - 1
    return found


def rows_of_sheet(client, deployment, sheet) -> int:
    answer = client.get(f"/api/basic_data/{sheet}/", {"deployment": deployment.deployment_id, "format": "ndjson"})
    assert answer.status_code == 200, answer.content
    body = b"".join(answer.streaming_content)
    assert int(answer["X-Total-Count"]) == body.count(b"\n")
    return body.count(b"\n")


@pytest.mark.parametrize("name", REFERENCES)
def test_rows_agree_between_zip_snapshot_mirror_sheet_export_and_manifest(
    name, database_zip, tmp_path, django_user_model
):
    call_command("load", str(database_zip(name)), stdout=io.StringIO())
    call_command("export", path=tmp_path / "out", stdout=io.StringIO(), stderr=io.StringIO())
    given = rows_in(ZipSource(database_zip(name)))
    deployment, snapshot = Deployment.objects.get(), Snapshot.objects.get()
    assert {table: entry["rows"] for table, entry in snapshot.tables.items()} == given

    mirrored = {table: rows for table, rows in given.items() if table not in UNMIRRORED_TABLES}
    for face in (IDENTIFIED, ANONYMOUS):
        told = MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
        assert dict(told.values_list("table", "rows")) == mirrored
        held = {table: rows_of(face, model_of(table), table, deployment.number).count() for table in mirrored}
        assert held == mirrored

    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_superuser("admin"))
    assert {table: rows_of_sheet(client, deployment, sheet) for table, sheet in SHEETS.items()} == {
        table: given[table] for table in SHEETS
    }

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["tables"] == given
    for mode in ("regular", "anonymous"):
        assert rows_in(ZipSource(tmp_path / "out" / mode / "database.zip")) == given
        assert rows_of_class_files(tmp_path / "out" / mode / "data") == sum(given.values())


@pytest.mark.parametrize("name", REFERENCES)
def test_regular_database_zip_holds_the_rows_and_values_that_went_in(name, database_zip, tmp_path):
    """Record for record, so that NULL and the empty text are told apart."""
    call_command("load", str(database_zip(name)), stdout=io.StringIO())
    call_command("export", anonymize="no", path=tmp_path / "out", stdout=io.StringIO(), stderr=io.StringIO())
    with ZipFile(database_zip(name)) as given, ZipFile(tmp_path / "out" / "regular" / "database.zip") as made:
        assert sorted(made.namelist()) == sorted(given.namelist())
        for member in given.namelist():
            before, after = given.read(member), made.read(member)
            if member.endswith(".csv"):
                assert before.split(b"\n", 1)[0] == after.split(b"\n", 1)[0]
                assert Counter(csvtext.records(io.BytesIO(before))) == Counter(csvtext.records(io.BytesIO(after)))
            else:
                assert before == after
