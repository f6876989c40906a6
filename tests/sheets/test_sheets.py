"""The registry: names, columns, values and counts, against the source's own rows."""

import io
import json
from zipfile import ZipFile

import pytest

from psynetdata.faces import ANONYMOUS, IDENTIFIED, reading
from psynetdata.mirror import Transform, refresh
from psynetdata.models import Deployment
from psynetdata.psynet import csvtext
from psynetdata.psynet.csvtext import format_row
from psynetdata.psynet.problems import UsageError
from psynetdata.psynet.tables import UNMIRRORED_TABLES, describe
from psynetdata.sheets import BUILT_IN, Catalogue, UnknownSheet
from psynetdata.sheets.columns.value_types import Guess
from psynetdata.sheets.output import text_blocks
from tests.references import REFERENCES

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


class InMemory:
    """Tables as lists of rows, the header first, for what the reference databases do not hold."""

    def __init__(self, tables: dict[str, list[list[str | None]]]):
        self._tables = tables

    def tables(self):
        return sorted(self._tables)

    def columns(self, table):
        return describe(table, self._tables[table][0])

    def state(self, table):
        return str(hash(str(self._tables[table])))

    def row_count(self, table):
        return len(self._tables[table]) - 1

    def has_ids(self, table):
        return "id" in self._tables[table][0]

    def changes(self, table, old):
        records = [format_row(row) for row in self._tables[table][1:]]
        yield None, lambda: records if self.has_ids(table) else sorted(records)


@pytest.fixture
def mirrored():
    """mirrored(tables) → a Deployment whose identified face shows them."""

    def make(**tables):
        deployment = Deployment.objects.create(deployment_id="a-launch", clock_offset=60)
        refresh(IDENTIFIED, deployment, InMemory(tables), Transform("as it is"))
        return Catalogue(deployment, IDENTIFIED)

    return make


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("face", [IDENTIFIED, ANONYMOUS])
def test_every_sheet_has_the_rows_of_its_table(loaded, database_zip, name, face):
    deployment = loaded(name)
    catalogue = Catalogue(deployment, face)
    with reading(face):
        totals = catalogue.totals()
        with ZipFile(database_zip(name)) as archive:
            for member in archive.namelist():
                table = member.removeprefix("data/").removesuffix(".csv")
                if not member.endswith(".csv") or table in UNMIRRORED_TABLES:
                    continue
                stream = io.BytesIO(archive.read(member))
                header, *found = csvtext.rows(csvtext.records(stream))
                sheet = catalogue.sheet({"info": "trial"}.get(table, table))
                rows = list(sheet.rows())
                assert len(rows) == len(list(sheet.records())) == sheet.total() == len(found) == totals[sheet.name]
                if "id" in header:
                    position = header.index("id")
                    assert [str(row["id"]) for row in rows] == [str(n) for n in sorted(int(r[position]) for r in found)]
        for sheet in map(catalogue.sheet, catalogue.names()):
            assert json.loads(b"".join(text_blocks.json_list(sheet.rows()))) == list(sheet.rows())
            assert sheet.total() == len(list(sheet.rows())) == totals[sheet.name]


def test_names_differ_by_case_alone(loaded):
    deployment = loaded("static")
    catalogue = Catalogue(deployment, IDENTIFIED)
    assert (catalogue.sheet("participant").total(), catalogue.sheet("Participant").total()) == (15, 12)
    assert catalogue.sheet("ANIMALTRIAL").name == "AnimalTrial"
    with pytest.raises(UnknownSheet) as unknown:
        catalogue.sheet("PARTICIPANT")  # it could be either
    assert unknown.value.sentence == "Invalid sheet parameter"
    assert set(unknown.value.extra["sheets"]) >= {*BUILT_IN, "Participant", "AnimalTrial", "module_state"}


def test_a_table_that_takes_a_built_in_name(mirrored):
    catalogue = mirrored(
        info=[["id", "type"], ["1", "a.b.trial"]],
        trial=[["id", "x"], ["7", "seven"]],
        pet=[["id", "type"], ["1", "a.b.Info"]],
        zoo=[["id", "type"], ["1", "a.b.Info"], ["2", "a.b.Info"]],
    )
    assert [row["id"] for row in catalogue.sheet("trial").rows()] == [1]
    assert [row["x"] for row in catalogue.sheet("trial__table").rows()] == ["seven"]
    assert [row["id"] for row in catalogue.sheet("trial__info").rows()] == [1]
    assert catalogue.sheet("Info").total() == 1
    assert catalogue.sheet("Info__zoo").total() == 2
    assert len(catalogue.names()) == len(set(catalogue.names()))


def test_untold_columns_are_what_all_their_rows_look_like(mirrored):
    header = ["id", "n", "x", "flag", "at", "code", "note", "mixed", "empty", "answer"]
    first = ["2", "7", "1.5", "t", "2026-01-02 03:04:05.5", "007", '{"a": NaN}', "1", None, '"yes"']
    second = ["10", None, "2", "f", None, "12", '"quoted"', "one", None, "NaN"]
    catalogue = mirrored(pet=[header, first, second])
    rows = list(catalogue.sheet("pet").rows())
    assert rows == [
        {
            **{"id": 2, "n": 7, "x": 1.5, "flag": True, "at": "2026-01-02T02:04:05.500000Z", "code": "007"},
            **{"note": {"a": None}, "mixed": "1", "empty": None, "answer": "yes", "class": "Pet"},
        },
        {
            **{"id": 10, "n": None, "x": 2.0, "flag": False, "at": None, "code": "12"},
            **{"note": "quoted", "mixed": "one", "empty": None, "answer": None, "class": "Pet"},
        },
    ]
    assert list(catalogue.sheet("pet").records()) == [
        ["2", "7", "1.5", "True", "2026-01-02T02:04:05.500000Z", "007", '{"a": NaN}', "1", None, "yes", "Pet"],
        ["10", None, "2", "False", None, "12", "quoted", "one", None, "NaN", "Pet"],
    ]
    assert [row["id"] for row in catalogue.sheet("pet", filters={"code": ["007"]}).rows()] == [2]
    assert [row["id"] for row in catalogue.sheet("pet", filters={"flag": ["false"], "x": ["2"]}).rows()] == [10]
    # One row that does not fit makes a column text; it does not make the row disappear.
    guess = Guess()
    for text in ("1", "2", "x"):
        guess.add(text)
    assert (guess.kind, guess.is_settled) == ("text", True)


def test_what_a_typed_value_cannot_hold_comes_as_it_was(mirrored):
    names = ["id", "score", "creation_time", "answer", "failed_reason", "vars"]
    catalogue = mirrored(
        info=[
            names,
            ["1", "NaN", "infinity", "", "", '{"a": Infinity, "big": 123456789012345678901234567890}'],
            ["2", "1e+16", "2026-01-02 03:04:05", '"\\ud800"', "[not json", "[" * 400 + "]" * 400],
        ]
    )
    sheet = catalogue.sheet("trial")
    first, second = sheet.rows()
    assert (first["score"], first["creation_time"], first["answer"]) == (None, "infinity", "")
    assert first["vars"] == {"a": None, "big": 123456789012345678901234567890}
    assert (second["score"], second["creation_time"]) == (1e16, "2026-01-02T02:04:05Z")
    assert second["failed_reason"] == "[not json"
    # It must come out as JSON whatever is in it.
    assert [row["id"] for row in json.loads(b"".join(text_blocks.json_list(sheet.rows())))] == [1, 2]
    records = list(sheet.records())
    assert records[0][1:5] == ["NaN", "infinity", "", ""]
    assert records[1][3] == '"\\ud800"'
    assert csvtext.parse(b"".join(text_blocks.csv(sheet.header, records)).splitlines()[1])[3:5] == ["", ""]


def test_rows_without_ids_have_pages_too(mirrored):
    catalogue = mirrored(link=[["a", "b"], *([str(n % 3), str(n)] for n in range(10))])
    sheet = catalogue.sheet("link")
    found, cursor = [], None
    while True:
        page, cursor = sheet.page(cursor, 3)
        found += page
        if cursor is None:
            break
    assert found == list(sheet.rows())
    assert len(found) == 10
    assert sheet.find("1") is None


def test_ids_come_in_the_order_of_numbers(mirrored):
    catalogue = mirrored(pet=[["id", "x"], *([str(n), "x"] for n in (1, 2, 9, 10, 11, 100))])
    assert [row["id"] for row in catalogue.sheet("pet").rows()] == [1, 2, 9, 10, 11, 100]
    _, cursor = catalogue.sheet("pet").page(None, 3)
    assert [row["id"] for row in catalogue.sheet("pet").page(cursor, 3)[0]] == [10, 11, 100]
    assert catalogue.sheet("pet").find("10") == {"id": 10, "x": "x", "class": "Pet"}


def test_unknown_columns_are_answered_with_the_known_ones(loaded):
    catalogue = Catalogue(loaded("static"), ANONYMOUS)
    for choice in ({"fields": ["id", "colour"]}, {"filters": {"colour": ["red"]}}):
        with pytest.raises(UsageError, match="The sheet trial has no column colour; it has id, creation_time"):
            catalogue.sheet("trial", **choice)
    with pytest.raises(UsageError, match="has no column entry_information"):
        catalogue.sheet("participant", fields=["entry_information"])


def test_a_deployment_without_data_has_empty_sheets():
    catalogue = Catalogue(Deployment.objects.create(deployment_id="empty"), IDENTIFIED)
    assert catalogue.names() == list(BUILT_IN)
    assert list(catalogue.sheet("trial").rows()) == []
    assert catalogue.sheet("trial").total() == 0
