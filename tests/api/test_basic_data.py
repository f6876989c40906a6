"""Sheets over HTTP, on both faces."""

import csv
import io
import json
import threading

import pytest
from django.db import connections

from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.models import Audit, Participant, Trial
from psynetdata.psynet import csvtext

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def rows(answer) -> list[dict]:
    assert answer.status_code == 200, answer.content
    return json.loads(body(answer))


def worker_ids(face: str) -> set[str]:
    return set(Participant.objects.using(face).values_list("worker_id", flat=True))


def test_identified_sheets_are_kept_by_no_cache(loaded, officer):
    loaded("static")
    for address in ("/api/basic_data/?sheet=node", "/api/basic_data/", "/api/basic_data/node/1/"):
        answer = officer.get(address)
        assert answer["Cache-Control"] == "private, no-store", address
        assert "Authorization" in answer["Vary"]
        known = officer.get(address, HTTP_IF_NONE_MATCH=answer["ETag"])
        assert (known.status_code, known["Cache-Control"]) == (304, "private, no-store")
        assert officer.get(f"{address}{'&' if '?' in address else '?'}face=anonymous")["Cache-Control"] == "private"


def test_a_sheet_has_every_row_in_order_and_the_total(loaded, analyst):
    loaded("static")
    answer = analyst.get("/api/basic_data/?sheet=trial")
    found = rows(answer)
    assert [row["id"] for row in found] == sorted(Trial.objects.using(ANONYMOUS).values_list("id", flat=True))
    assert answer["X-Total-Count"] == str(len(found)) == "130"
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "private"
    assert found[0]["class"] == "AnimalTrial"
    assert found[0]["definition"] == {"animal": "dogs", "text_color": "green"}
    assert found[0]["creation_time"].endswith("Z")
    assert "property1" not in found[0]


def test_psynets_own_address_answers_with_and_without_a_slash(loaded, analyst):
    loaded("static")
    for address in ("/basic_data?sheet=trial", "/basic_data/?sheet=trial"):
        assert len(rows(analyst.get(address))) == 130


def test_without_a_sheet_there_are_all_six(loaded, analyst):
    loaded("static_audio")
    found = rows(analyst.get("/api/basic_data/"))
    assert {name: len(of) for name, of in found.items()} == {
        name: int(analyst.head(f"/api/basic_data/{name}/")["X-Total-Count"])
        for name in ("participant", "trial", "response", "asset", "node", "network")
    }
    assert len(found["asset"]) == 82


def test_the_face_follows_the_rights_of_person_and_token(loaded, person, client_of, officer, analyst):
    loaded("static")
    real, pseudonyms = worker_ids(IDENTIFIED), worker_ids(ANONYMOUS)
    assert not real & pseudonyms

    def seen(client, extra=""):
        return {row["worker_id"] for row in rows(client.get(f"/api/basic_data/participant/{extra}"))}

    assert seen(officer) == real
    assert seen(officer, "?face=anonymous") == pseudonyms
    assert seen(analyst) == pseudonyms
    # The token narrows its owner, and makes nobody more than they are.
    assert seen(client_of(officer.token_row.user)) == pseudonyms
    assert seen(client_of(person(), identified=True)) == pseudonyms
    refused = analyst.get("/api/basic_data/participant/?face=identified")
    assert refused.status_code == 403
    assert "permission" in refused.json()["detail"]
    assert analyst.get("/api/basic_data/participant/?face=both").status_code == 400


def test_what_is_withheld_is_named_and_cannot_be_asked_for(loaded, officer, analyst):
    loaded("static")
    answer = analyst.get("/api/basic_data/participant/?limit=1")
    withheld = answer["X-Withheld-Columns"].split(",")
    assert "client_ip_address" in withheld
    assert not set(withheld) & set(answer.json()["results"][0])
    for parameter in ("client_ip_address=203.0.113.1", "fields=client_ip_address"):
        refused = analyst.get(f"/api/basic_data/participant/?{parameter}")
        assert refused.status_code == 400
        assert "has no column client_ip_address; it has id," in refused.json()["detail"]
    assert officer.get("/api/basic_data/participant/?limit=1")["X-Withheld-Columns"] == ""


def test_a_real_id_finds_nobody_on_the_anonymous_face(loaded, officer, analyst):
    loaded("static")
    somebody = sorted(worker_ids(IDENTIFIED))[0]
    for address in ("/api/basic_data/participant/", "/api/basic_data/?sheet=participant&"):
        address += "&" if "?" in address else "?"
        assert len(rows(officer.get(f"{address}worker_id={somebody}"))) == 1
        answer = analyst.get(f"{address}worker_id={somebody}")
        assert rows(answer) == []
        assert answer["X-Total-Count"] == "0"


def test_csv_tells_null_from_empty_and_is_written_like_class_files(loaded, officer):
    loaded("static")
    answer = officer.get("/api/basic_data/trial/?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *records = csvtext.rows(csvtext.records(io.BytesIO(body(answer))))
    as_json = rows(officer.get("/api/basic_data/trial/"))
    assert header == list(as_json[0])
    first = dict(zip(header, records[0], strict=True))
    assert first["failed"] == "False"
    assert first["creation_time"] == as_json[0]["creation_time"]
    assert first["definition"] == '{"animal": "dogs", "text_color": "green"}'
    assert first["answer"] == "Very much"
    assert first["failed_reason"] is None
    assert len(records) == len(as_json)


def test_formats_by_address_and_by_accept(loaded, analyst):
    loaded("static")
    wanted = rows(analyst.get("/api/basic_data/trial/"))
    for address, accept in (("?format=ndjson", "*/*"), ("", "application/x-ndjson")):
        answer = analyst.get(f"/api/basic_data/trial/{address}", HTTP_ACCEPT=accept)
        assert answer["Content-Type"] == "application/x-ndjson"
        assert [json.loads(line) for line in body(answer).splitlines()] == wanted
    by_accept = body(analyst.get("/api/basic_data/trial/", HTTP_ACCEPT="text/csv"))
    assert by_accept == body(analyst.get("/api/basic_data/trial/?format=csv"))
    refused = analyst.get("/api/basic_data/trial/?format=xml")
    assert refused.status_code == 400
    assert "json, csv, ndjson or parquet" in refused.json()["detail"]
    assert refused["Content-Type"] == "application/json"
    assert analyst.get("/api/basic_data/?format=csv").status_code == 400


def test_an_unknown_sheet_lists_those_that_exist(loaded, analyst):
    loaded("custom_table_simple")
    for address in (
        "/api/basic_data/?sheet=nonsense",
        "/api/basic_data/nonsense/",
        "/api/basic_data/nonsense/?format=csv",
    ):
        answer = analyst.get(address)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Invalid sheet parameter"
        assert {"participant", "coin", "Coin", "module_state"} <= set(answer.json()["sheets"])


def test_classes_and_tables_are_sheets_and_case_tells_them_apart(loaded, analyst):
    loaded("static")
    everyone = rows(analyst.get("/api/basic_data/participant/"))
    people = rows(analyst.get("/api/basic_data/Participant/"))
    bots = rows(analyst.get("/api/basic_data/Bot/"))
    assert sorted(row["id"] for row in people + bots) == [row["id"] for row in everyone]
    assert {row["class"] for row in bots} == {"Bot"}
    assert rows(analyst.get("/api/basic_data/animaltrial/")) == rows(analyst.get("/api/basic_data/AnimalTrial/"))


def test_a_custom_table_has_its_values_as_values(loaded, analyst):
    loaded("custom_table_simple")
    coin = rows(analyst.get("/api/basic_data/coin/"))[0]
    assert coin["id"] == 1
    assert coin["failed"] is False
    assert coin["creation_time"].endswith("Z")


def test_filters_and_fields(loaded, analyst):
    loaded("static")
    everything = rows(analyst.get("/api/basic_data/trial/"))

    def ids(query):
        return [row["id"] for row in rows(analyst.get(f"/api/basic_data/trial/?{query}"))]

    def wanted(condition):
        return [row["id"] for row in everything if condition(row)]

    assert ids("participant_id=3&failed=false") == wanted(lambda row: row["participant_id"] == 3 and not row["failed"])
    assert ids("participant_id=3&participant_id=4") == wanted(lambda row: row["participant_id"] in (3, 4))
    assert ids("answer=Very much") == wanted(lambda row: row["answer"] == "Very much") != []
    assert ids("parent_trial_id=") == wanted(lambda row: row["parent_trial_id"] is None)
    # Columns that no field of ours holds can be asked for as well.
    kept = wanted(lambda row: row["origin_id"] == 6 and row["propagate_failure"])
    assert ids("propagate_failure=true&origin_id=6") == kept != wanted(lambda row: row["origin_id"] == 6)
    moment = everything[5]["creation_time"]
    assert ids(f"creation_time={moment}") == wanted(lambda row: row["creation_time"] == moment)
    assert ids("class=AnimalTrial") == wanted(lambda row: True)
    some = rows(analyst.get("/api/basic_data/trial/?fields=id,answer&limit=2"))["results"]
    assert some == [{"id": row["id"], "answer": row["answer"]} for row in everything[:2]]
    for query in ("participant_id=three", "failed=perhaps", "creation_time=soon", "colour=red", "fields=id,colour"):
        assert analyst.get(f"/api/basic_data/trial/?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("id=" + "9" * 30, 200),
        ("id=" + "9" * 300, 200),
        ("id=1.5", 400),
        ("score=nan", 200),
        ("score=1e999", 200),
        ("answer=%00", 400),
        ("answer=%27%22%3B--", 200),
        ("answer=%F0%9F%98%80%ED%A0%80", 200),
        ("creation_time=9999-12-31T23:59:59-12:00", 400),
    ],
)
def test_filters_with_values_that_nobody_has(loaded, analyst, query, status):
    loaded("static")
    for sheet in ("trial", "AnimalTrial"):
        answer = analyst.get(f"/api/basic_data/{sheet}/?{query}")
        assert answer.status_code == status
        assert status != 200 or rows(answer) == []


@pytest.mark.parametrize("sheet", ["trial", "notification"])
def test_pages_are_stable_and_complete(loaded, analyst, sheet):
    loaded("static")
    everything = rows(analyst.get(f"/api/basic_data/{sheet}/"))
    found, address = [], f"/api/basic_data/{sheet}/?limit=7"
    while address:
        page = analyst.get(address)
        assert page["X-Total-Count"] == str(len(everything))
        found += page.json()["results"]
        address = page.json()["next"]
        assert page.get("Link") == (f'<{address}>; rel="next"' if address else None)
    assert found == everything
    first = analyst.get(f"/api/basic_data/{sheet}/?limit=2&format=csv")
    assert len(list(csv.reader(io.StringIO(first.content.decode())))) == 1 + min(2, len(everything))


def test_pages_refuse_what_is_no_page(loaded, analyst):
    loaded("static")
    for query in ("limit=0", "limit=many", "limit=1001", "cursor=%21", "cursor=WzEsMiwzXQ", "cursor=WyJhIiwgMV0"):
        assert analyst.get(f"/api/basic_data/trial/?{query}").status_code == 400


def test_one_row(loaded, analyst):
    loaded("static")
    everything = rows(analyst.get("/api/basic_data/trial/"))
    assert rows(analyst.get(f"/api/basic_data/trial/{everything[3]['id']}/")) == everything[3]
    for missing in ("999999", "abc", "9" * 40):
        answer = analyst.get(f"/api/basic_data/trial/{missing}/")
        assert answer.status_code == 404
        assert "has no row" in answer.json()["detail"]
    assert analyst.get("/api/basic_data/trial/1/?colour=red").status_code == 400


def test_an_etag_saves_the_second_transfer_and_differs_between_faces(loaded, analyst, officer):
    loaded("static")
    first = analyst.get("/api/basic_data/trial/")
    body(first)
    etag = first["ETag"]
    assert etag.startswith('"')
    again = analyst.get("/api/basic_data/trial/", HTTP_IF_NONE_MATCH=etag)
    assert again.status_code == 304
    assert again["ETag"] == etag
    assert again.content == b""
    others = [
        officer.head("/api/basic_data/trial/"),
        analyst.head("/api/basic_data/trial/?failed=false"),
        analyst.head("/api/basic_data/trial/?format=csv"),
        analyst.head("/api/basic_data/response/"),
    ]
    assert len({etag, *(other["ETag"] for other in others)}) == 5
    assert rows(officer.get("/api/basic_data/trial/", HTTP_IF_NONE_MATCH=etag))


def test_reads_are_on_record_with_rows_and_without_values(loaded, officer, analyst):
    deployment = loaded("static")
    before = Audit.objects.count()
    somebody = sorted(worker_ids(IDENTIFIED))[0]
    rows(analyst.get("/api/basic_data/trial/"))
    analyst.head("/api/basic_data/trial/")
    assert Audit.objects.count() == before + 1
    entry = Audit.objects.latest("id")
    assert (entry.verb, entry.target, entry.identified, entry.details) == ("read", "sheet trial", False, {"rows": 130})
    rows(officer.get(f"/api/basic_data/participant/?worker_id={somebody}"))
    entry = Audit.objects.latest("id")
    assert (entry.verb, entry.username, entry.deployment, entry.identified) == ("read", "officer", deployment, True)
    assert entry.target == "sheet participant"
    assert entry.details == {"rows": 1, "filtered_by": ["worker_id"]}


def test_which_deployment(loaded, person, client_of, analyst):
    answer = analyst.get("/api/basic_data/trial/")
    assert answer.status_code == 404
    static = loaded("static")
    loaded("timeline")
    several = analyst.get("/api/basic_data/trial/")
    assert several.status_code == 400
    assert static.deployment_id in several.json()["deployments"]
    for name in (static.deployment_id, static.number):
        assert len(rows(analyst.get("/api/basic_data/trial/", {"deployment": name}))) == 130
    assert analyst.get("/api/basic_data/trial/?deployment=other").status_code == 404
    bound = client_of(person(), deployments=[static])
    assert len(rows(bound.get("/api/basic_data/trial/"))) == 130
    other = analyst.get("/api/deployments/").json()["results"][0]["id"]
    assert other != static.deployment_id
    assert bound.get("/api/basic_data/trial/", {"deployment": other}).status_code == 404


def test_queries_do_not_grow_with_the_rows(loaded, analyst, django_assert_max_num_queries):
    loaded("static")
    with django_assert_max_num_queries(6, using=ANONYMOUS):
        rows(analyst.get("/api/basic_data/trial/"))


def test_a_stream_is_of_one_moment_whatever_is_loaded_meanwhile(loaded, analyst):
    loaded("static")
    answer = analyst.get("/api/basic_data/trial/?format=ndjson")
    blocks = iter(answer.streaming_content)
    read = next(blocks)

    def change():
        Trial.objects.using(ANONYMOUS).filter(id__gt=50).delete()
        connections[ANONYMOUS].close()

    thread = threading.Thread(target=change)
    thread.start()
    thread.join()
    assert len((read + b"".join(blocks)).splitlines()) == 130 == int(answer["X-Total-Count"])
    answer.close()
    assert len(body(analyst.get("/api/basic_data/trial/?format=ndjson")).splitlines()) == 50


def test_a_stream_that_breaks_off_leaves_no_transaction_behind(loaded, analyst):
    loaded("static")
    broken = analyst.get("/api/basic_data/trial/?format=csv")
    next(iter(broken.streaming_content))
    broken.close()
    unread = analyst.get("/api/basic_data/trial/")
    unread.close()
    assert len(rows(analyst.get("/api/basic_data/trial/"))) == 130
