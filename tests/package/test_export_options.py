"""Anonymized exports that hold less, or name people by number: from the command to the files."""

import csv
import io
import json
import re
import zipfile
from io import StringIO

import pytest
from django.core.management import call_command

from exports.models import Export
from exports.package.archive_check import verify_path
from exports.package.options import ExportOptions
from psynetdata.models import Numbered
from psynetdata.psynet.problems import UsageError
from tests.store.snapshot_factory import reference

PEOPLE = ("Bot", "Participant")
pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def export(path, *words):
    call_command("export", "--anonymize", "--path", str(path), *words, stdout=StringIO(), stderr=StringIO())
    return path / "anonymous"


def sheet(folder, *names):
    texts = [(folder / "data" / f"{name}.csv").read_text(encoding="utf-8") for name in names]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text))]


def test_all_of_them_at_once_in_every_file(tmp_path):
    reference("timeline")
    words = ["--pseudonyms", "number", "--drop-text", "--shift-dates", "--coarsen", "day"]
    less, plain = export(tmp_path / "less", *words), export(tmp_path / "plain")
    asked = {"pseudonyms": "number", "drop_text": True, "shift_dates": True, "coarsen": "day"}
    assert verify_path(tmp_path / "less").problems == []
    assert asked.items() <= json.loads((less / "manifest.json").read_text())["options"].items()
    told = json.loads((less / "anonymization.json").read_text())
    assert told["options"] == asked
    assert told["dates"]["rows"]["of a participant"] > 0
    assert "1 to 364" in told["dates"]["how"]
    assert any("time" in line or "days" in line for line in told["linkable"])
    launch = re.search(r"launch=(\d{4}-\d\d-\d\d)--", (plain / "data" / "ExperimentConfig.csv").read_text())[1]
    texts = {path.name: path.read_bytes() for path in less.rglob("*") if path.is_file() and path.suffix != ".zip"}
    assert {name for name, text in texts.items() if launch.encode() in text} == set()
    with zipfile.ZipFile(less / "database.zip") as database:
        assert {member.date_time[1:] for member in database.infolist()} == {(1, 1, 0, 0, 0)}
        assert [name for name in database.namelist() if launch.encode() in database.read(name)] == []
    assert json.loads((less / "manifest.json").read_text())["snapshot"]["taken_at"][4:] == "-01-01T00:00:00Z"
    people, others = sheet(less, *PEOPLE), sheet(plain, *PEOPLE)
    assert sorted(row["worker_id"] for row in people) == [f"participant_n{n:04d}" for n in range(1, len(people) + 1)]
    for row, other in zip(people, others, strict=True):
        assert row["creation_time"].endswith("T00:00:00Z")
        assert row["creation_time"][:10] < other["creation_time"][:10]
        assert row["unique_id"] == f"{row['worker_id']}:{row['assignment_id']}"
    visits = {row["unique_id"] for row in sheet(less, "Request") if row["unique_id"]}
    assert visits <= {row["unique_id"] for row in people}
    assert "Hello, I am a bot!" in (plain / "data" / "Response.csv").read_text()
    assert "Hello, I am a bot!" not in (less / "data" / "Response.csv").read_text()


def test_numbers_stay_with_people_over_exports(tmp_path):
    snapshot = reference("timeline")
    first = sheet(export(tmp_path / "1", "--pseudonyms", "number"), *PEOPLE)
    count = Numbered.objects.count()
    assert count > 0
    # As if two had joined since.
    gone = Numbered.objects.filter(name="participant").order_by("number")[:2]
    Numbered.objects.filter(pk__in=[row.pk for row in gone]).delete()
    second = sheet(export(tmp_path / "2", "--pseudonyms", "number"), *PEOPLE)
    assert Numbered.objects.count() == count
    kept = [(a["worker_id"], b["worker_id"]) for a, b in zip(first, second, strict=True)]
    assert sum(a == b for a, b in kept) == len(first) - 2
    assert len({b for _, b in kept}) == len({a for a, _ in kept})
    assert not Numbered.objects.filter(pseudonym__contains="participant").exists()
    assert {row.deployment_id for row in Numbered.objects.all()} == {snapshot.deployment_id}


@pytest.mark.parametrize("options", [{"drop_text": True}, {"pseudonyms": "number"}, {"coarsen": "day"}])
def test_a_regular_export_has_no_such_options(options):
    with pytest.raises(UsageError, match="anonymized exports"):
        ExportOptions(anonymize="no", **options)
    assert ExportOptions.from_json(ExportOptions(**options).to_json()).to_json() == ExportOptions(**options).to_json()
    assert not Export.objects.exists()
