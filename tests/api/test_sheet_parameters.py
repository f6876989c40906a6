"""Columns, filters, order, pages and formats of sheets, as an address asks for them."""

import gzip
import io
import json

import pandas as pd
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from psynetdata.faces import ANONYMOUS
from psynetdata.models import Participant
from psynetdata.psynet.classfile import excel
from psynetdata.sheets.output import arrow
from psynetdata.sheets.output.registry import FORMATS

from .test_basic_data import body, rows

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]
TRIALS = "/api/basic_data/trial/"


@pytest.fixture
def trials(loaded, analyst):
    loaded("static")
    return rows(analyst.get(TRIALS))


def test_objects_are_unpacked_and_what_helps_is_joined(trials, analyst):
    first = trials[0]
    assert (first["animal"], first["text_color"]) == ("dogs", "green")
    assert (first["type"], first["class"], first["object_type"]) == ("AnimalTrial", "AnimalTrial", "Info")
    people = {row.id: row for row in Participant.objects.using(ANONYMOUS)}
    nodes = {row["id"]: row for row in rows(analyst.get("/api/basic_data/node/"))}
    for row in trials:
        person = people[row["participant_id"]]
        assert row["participant_worker_id"] == person.worker_id
        assert row["is_bot"] == (person.class_name == "Bot")
        assert row["node_definition"] == nodes[row["node_id"]]["definition"]
    assert {row["is_bot"] for row in trials} == {True, False}


FILTERS = [
    ("id__gte=20&id__lt=23", lambda row: 20 <= row["id"] < 23),
    ("id__lt=" + "9" * 40, lambda row: True),
    ("id__in=3,5,5000", lambda row: row["id"] in (3, 5)),
    ("is_bot=true", lambda row: row["is_bot"]),
    ("is_bot__isnull=true", lambda row: False),
    ("animal=dogs", lambda row: row["animal"] == "dogs"),
    ("animal=dogs&text_color=green", lambda row: (row["animal"], row["text_color"]) == ("dogs", "green")),
    ("animal__in=dogs,cats", lambda row: row["animal"] in ("dogs", "cats")),
    ("animal__contains=og", lambda row: "og" in row["animal"]),
    ("answer__icontains=VERY", lambda row: "very" in (row["answer"] or "").lower()),
    ("answer__startswith=Very", lambda row: (row["answer"] or "").startswith("Very")),
    ("answer__isnull=false", lambda row: row["answer"] is not None),
    ("answer__isnull=true", lambda row: row["answer"] is None),
    ("type=AnimalTrial", lambda row: True),
    ("type=", lambda row: False),
    ("origin_id__gt=6", lambda row: row["origin_id"] > 6),
    ("node_definition__contains=dogs", lambda row: row["node_definition"]["animal"] == "dogs"),
]


def test_filters(trials, analyst):
    for query, fits in FILTERS:
        answer = analyst.get(f"{TRIALS}?{query}")
        wanted = [row for row in trials if fits(row)]
        assert rows(answer) == wanted, query
        assert answer["X-Total-Count"] == str(len(wanted)), query


def test_times_and_those_who_are_joined_can_be_filtered_by(trials, analyst):
    moment, person = trials[40]["creation_time"], trials[40]["participant_worker_id"]
    later = rows(analyst.get(TRIALS, {"creation_time__gte": moment, "participant_worker_id": person}))
    wanted = [row for row in trials if row["creation_time"] >= moment and row["participant_worker_id"] == person]
    assert later == wanted != []


def test_given_twice_a_lookup_narrows(trials, analyst):
    assert rows(analyst.get(f"{TRIALS}?id__gt=3&id__gt=100")) == [row for row in trials if row["id"] > 100]


REFUSED = [
    *("colour=red", "id__near=3", "colour__gt=3", "id__gt=", "id__gt=x", "answer__isnull=maybe", "failed__in=true,x"),
    *("order=colour", "order=-", "fields=colour", "creation_time__lt=soon", "client_ip__gt=1"),
    *("format=xml", "excel=1", "excel=2&format=csv", "end_marker=1", "format=parquet&limit=3", "face=all"),
    *("limit=-1", "cursor=WzEsMiwzXQ", "order=client_ip_address", "id__gt=1%00", "id__gt=1e300"),
]


def test_what_cannot_be_asked_is_one_sentence(trials, analyst):
    for query in REFUSED:
        answer = analyst.get(f"{TRIALS}?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["detail"].endswith("."), query


def test_an_unknown_parameter_is_told_all_that_there_are(trials, analyst):
    told = analyst.get(f"{TRIALS}?colour=red").json()["detail"]
    assert "has no column colour; it has id, creation_time" in told
    for known in ("deployment", "fields", "order", "cursor", "excel"):
        assert known in told.partition("parameters are")[2]


def test_what_is_withheld_can_be_asked_for_in_no_way(loaded, analyst):
    loaded("static")
    for query in ("client_ip_address__gt=1", "order=client_ip_address", "fields=entry_information"):
        assert analyst.get(f"/api/basic_data/participant/?{query}").status_code == 400


@pytest.mark.parametrize(
    "order", ["-score,id", "participant_worker_id,-creation_time", "-animal,creation_time,-id", "answer"]
)
def test_order_and_its_pages(trials, analyst, order):
    everything = rows(analyst.get(f"{TRIALS}?order={order}"))
    wanted = trials
    for name in reversed(order.split(",")):
        column, backwards = name.removeprefix("-"), name.startswith("-")
        some = [row for row in wanted if row[column] is not None]
        none = [row for row in wanted if row[column] is None]
        wanted = sorted(some, key=lambda row, column=column: row[column], reverse=backwards) + none
    assert everything == wanted
    found, address = [], f"{TRIALS}?order={order}&limit=30"
    while address:
        page = analyst.get(address).json()
        found, address = found + page["results"], page["next"]
    assert found == everything


def test_a_cursor_is_of_one_sheet_and_order_and_nobody_edits_it(trials, analyst):
    cursor = analyst.get(f"{TRIALS}?limit=5").json()["next"].partition("cursor=")[2].partition("&")[0]
    assert analyst.get(f"{TRIALS}?cursor={cursor}").json()["results"][0]["id"] == trials[5]["id"]
    for address in (
        f"/api/basic_data/node/?cursor={cursor}",
        f"{TRIALS}?order=-id&cursor={cursor}",
        f"{TRIALS}?cursor={cursor[:-1]}{'A' if cursor[-1] != 'A' else 'B'}",
        f"{TRIALS}?cursor=x{cursor[1:]}",
    ):
        assert "The cursor does not belong to this sheet" in analyst.get(address).json()["detail"]


def test_excel_gets_its_mark_and_no_formula(trials, analyst):
    plain, for_excel = (body(analyst.get(f"{TRIALS}?format=csv{more}")) for more in ("", "&excel=1"))
    assert for_excel == excel.BOM + plain
    assert [excel.guard(cell) for cell in ("=1+1", "@x", "-2", "-2.5e3", "+4", "-x", "", None, "a=b")] == [
        *("'=1+1", "'@x", "-2", "-2.5e3", "+4", "'-x", "", None, "a=b"),
    ]


def test_ndjson_says_where_it_ends_if_asked(trials, analyst):
    lines = body(analyst.get(f"{TRIALS}?format=ndjson&end_marker=1&animal=dogs")).splitlines()
    assert json.loads(lines[-1]) == {"end": True, "rows": len(lines) - 1}


def test_parquet_has_numbers_times_and_the_texts_of_csv(trials, analyst):
    answer = analyst.get(TRIALS, HTTP_ACCEPT="application/vnd.apache.parquet")
    found = pd.read_parquet(io.BytesIO(body(answer)))
    as_csv = pd.read_csv(io.BytesIO(body(analyst.get(f"{TRIALS}?format=csv"))))
    assert list(found) == list(as_csv)
    assert found["id"].tolist() == [row["id"] for row in trials]
    assert found["failed"].tolist() == [row["failed"] for row in trials]
    assert found["creation_time"].tolist() == [pd.Timestamp(row["creation_time"]) for row in trials]
    for column in ("definition", "answer", "animal", "class"):
        assert found[column].tolist() == as_csv[column].tolist()


def test_every_format_is_named_negotiated_and_in_the_schema(trials, analyst):
    content = analyst.get("/api/schema/?format=json").json()["paths"]["/api/basic_data/{sheet}/"]["get"]["responses"]
    assert list(content["200"]["content"]) == [each.media_type for each in FORMATS.values()]
    for each in FORMATS.values():
        named, accepted = analyst.get(f"{TRIALS}?format={each.name}"), analyst.get(TRIALS, HTTP_ACCEPT=each.media_type)
        assert body(named) == body(accepted)
        assert named["Content-Type"] == accepted["Content-Type"] == each.content_type


def test_without_pyarrow_parquet_is_one_sentence(trials, analyst, monkeypatch):
    monkeypatch.setattr(arrow, "find_spec", lambda name: None)
    answer = analyst.get(f"{TRIALS}?format=parquet")
    assert answer.status_code == 406
    assert "pip install -r requirements-parquet.txt" in answer.json()["detail"]


def test_gzip_when_asked_for_has_an_etag_of_its_own(trials, analyst):
    plain = analyst.get(f"{TRIALS}?format=csv", HTTP_ACCEPT_ENCODING="gzip;q=0, identity")
    packed = analyst.get(f"{TRIALS}?format=csv", HTTP_ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(body(packed)) == body(plain)
    assert (packed["Content-Encoding"], plain.get("Content-Encoding")) == ("gzip", None)
    assert packed["ETag"] != plain["ETag"]
    again = analyst.get(f"{TRIALS}?format=csv", HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=packed["ETag"])
    assert again.status_code == 304
    page = analyst.get(f"{TRIALS}?limit=3", HTTP_ACCEPT_ENCODING="gzip")
    assert json.loads(gzip.decompress(page.content))["results"] == trials[:3]


def test_304_looks_at_no_row(trials, analyst):
    etag = analyst.head(f"{TRIALS}?animal=dogs&order=-id")["ETag"]
    with CaptureQueriesContext(connections[ANONYMOUS]) as seen:
        assert analyst.get(f"{TRIALS}?animal=dogs&order=-id", HTTP_IF_NONE_MATCH=etag).status_code == 304
    asked = [query["sql"] for query in seen if "FROM" in query["sql"]]
    assert len(asked) == 1
    assert 'FROM "psynetdata_mirroredtable"' in asked[0]


HOSTILE = (
    "1; DROP TABLE psynetdata_trial --",
    "../../../etc/passwd",
    "' OR 1=1 --",
    "{{7*7}}%s%n",
    "-" + "9" * 400,
    "\ufffe",
    "",
)
PARAMETERS = (
    *("deployment", "face", "format", "fields", "order", "limit", "cursor", "since", "snapshot", "as_of", "excel"),
    *("end_marker", "id", "id__in", "answer", "answer__contains", "animal", "creation_time__lt", "is_bot", "class"),
)


def test_hostile_text_in_every_parameter(trials, analyst):
    for name in PARAMETERS:
        for text in HOSTILE:
            for more in ({}, {"format": "csv"} if name != "format" else {}):
                answer = analyst.get(TRIALS, {name: text, **more})
                assert answer.status_code in (200, 400, 404), (name, text)
                body(answer)
    for path in ("trial'--", "..", "%2e%2e%2fetc", "trial/1 OR 1=1", "trial/-1", "x" * 3000):
        assert analyst.get(f"/api/basic_data/{path}/").status_code in (400, 404), path
    assert len(rows(analyst.get(TRIALS))) == len(trials)


def test_two_thousand_parameters(trials, analyst):
    for query in ("&".join(f"x{n}=1" for n in range(2000)), "&".join(f"id={n}" for n in range(2000))):
        answer = analyst.get(f"{TRIALS}?{query}")
        assert answer.status_code == 400
        assert "too many parameters" in answer.json()["detail"]
