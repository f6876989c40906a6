"""What nobody sends by accident: each is refused with a sentence, and nothing comes out that should not."""

import base64
import json

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connections
from rest_framework.test import APIClient

from exports.api.download import StorageFailed
from exports.models import Export, ExportArchive
from psynetdata.api.response import BrokenOff
from psynetdata.models import Audit, Job, Trial
from psynetdata.sheets import Experiment
from psynetdata.sheets.basic_data import experiment

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

EXPORTS = "/api/exports/"


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.fixture
def broken_row(loaded):
    """The static experiment, with a row in the middle of its trials that cannot be read."""
    deployment = loaded("static")
    for face in ("identified", "anonymous"):
        Trial.objects.using(face).filter(id=120).update(rest="{broken")
    return deployment


@pytest.fixture
def served(loaded, monkeypatch):
    """served(method) → a client's answers come from this get_basic_data."""
    monkeypatch.setattr(experiment, "_experiments", {})
    deployment = loaded("timeline")

    def make(method):
        type("Exp", (Experiment,), {"deployment_id": deployment.deployment_id, "get_basic_data": classmethod(method)})

    return make


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1001", "1" + "0" * 9, "0" * 8 + "1" + "9" * 20, "1" * 5000, "\u0663", ""]
)
def test_a_page_is_never_larger_than_the_limit(loaded, analyst, limit):
    loaded("static")
    answer = analyst.get("/api/basic_data/trial/", {"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("limit must be a whole number")


@pytest.mark.each_database
@pytest.mark.parametrize("sheet", ["trial", "notification"])  # whole numbers as ids, and texts
@pytest.mark.parametrize("text", [
    '["1", 1e999]', '["1", NaN]', '["1", true]', "[1, -1]", "[1]", "7", "[" * 3000, "[[1], 1]", "[-1, 1]", "[1.5, 1]",
    f"[{10**30}, 1]", f'["1", {10**30}]', f"[{'9' * 5000}, 1]",
    '["\\ud800", 1]', '["\\u0000", 1]', "[null, 1]",
])  # fmt: skip
def test_a_cursor_that_someone_wrote(loaded, analyst, sheet, text):
    loaded("static")
    answer = analyst.get(f"/api/basic_data/{sheet}/", {"cursor": cursor(text)})
    assert answer.status_code == 400
    assert "cursor does not belong to this sheet" in answer.json()["detail"]


@pytest.mark.each_database
@pytest.mark.parametrize("text", ['["3", 1]', '["-3", 1]', '["\u0663", 1]', '["", 1]'])
def test_a_text_is_no_place_among_whole_numbers(loaded, analyst, text):
    loaded("static")
    assert analyst.get("/api/basic_data/trial/", {"cursor": cursor(text)}).status_code == 400


@pytest.mark.skipif(settings.DATABASE_URL is not None, reason="takes a file of SQLite away")
def test_an_outage_is_a_sentence_without_a_path(loaded, analyst, tmp_path, caplog):
    loaded("static")
    face = connections["anonymous"]
    usual = face.settings_dict["NAME"]
    face.close()
    face.settings_dict["NAME"] = str(tmp_path / "not-mounted" / "anonymous.sqlite3")
    try:
        answer = analyst.get("/api/basic_data/trial/")
    finally:
        face.close()
        face.settings_dict["NAME"] = usual
    assert answer.status_code == 503
    assert answer.json() == {"detail": "The desk's database or storage cannot be used at the moment; try again later."}
    assert "cannot write its files" in caplog.text
    assert analyst.get("/api/basic_data/trial/").status_code == 200


def test_a_cursor_of_another_deployment_shows_nothing_of_it(loaded, analyst, client_of):
    static, audio = loaded("static"), loaded("static_audio")
    address = "/api/basic_data/trial/?limit=1"
    there = analyst.get(f"{address}&deployment={static.number}").json()["next"].split("cursor=")[1].split("&")[0]
    bound = client_of(analyst.token_row.user, deployments=[audio])
    found = bound.get(f"{address}&cursor={there}").json()["results"]
    assert [row["class"] for row in found] == ["CustomTrial"]
    assert bound.get(f"{address}&deployment={static.number}&cursor={there}").status_code == 404


@pytest.mark.each_database
@pytest.mark.parametrize("address", [EXPORTS, "/api/snapshots/", "/api/deployments/"])
@pytest.mark.parametrize("position", ["p=abc", "p=%ED%A0%80", "p=1.5", "p=" + "9" * 30, "p=" + "9" * 5000, "p=-1"])
def test_a_cursor_of_a_list_that_someone_wrote(analyst, address, position):
    answer = analyst.get(address, {"cursor": base64.b64encode(position.encode()).decode()})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Invalid cursor"}


@pytest.mark.parametrize(
    "address", ["/api/basic_data/", "/api/basic_data/trial/", EXPORTS, "/api/docs/", "/api/schema/"]
)
def test_thousands_of_parameters(analyst, address):
    answer = analyst.get(address + "?" + "&".join(["a=1"] * 2000))
    assert answer.status_code == 400
    assert "too many parameters" in answer.json()["detail"]


@pytest.mark.each_database
def test_values_by_the_hundred(loaded, analyst):
    loaded("static")
    for column in ("id", "origin_id", "answer", "class"):
        query = "&".join(f"{column}=9{number}" for number in range(990))
        assert analyst.get(f"/api/basic_data/trial/?limit=1&{query}").status_code == 200, column


@pytest.mark.each_database
@pytest.mark.parametrize(("body", "says"), [
    ('{"deployment": "\\ud800"}', "surrogate"),
    ('{"\\ud800": 1}', "surrogate"),
    ('{"a": [{"b": "\\udfff"}]}', "surrogate"),
    ("[" * 100_000, "nested too deeply"),
    ('{"deployment": ' + "9" * 5000 + "}", "JSON parse error"),
    ('{"snapshot": NaN}', "JSON parse error"),
])  # fmt: skip
def test_json_that_no_database_holds(analyst, body, says):
    answer = analyst.post(EXPORTS, body, content_type="application/json")
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_body_of_megabytes(analyst):
    answer = analyst.post(EXPORTS, "x" * 4_000_000, content_type="application/json")
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request is too large."


@pytest.mark.each_database
def test_a_stream_that_fails_midway_does_not_end_well(broken_row, analyst, caplog):
    for wanted in ("json", "csv", "ndjson"):
        answer = analyst.get("/api/basic_data/trial/", {"format": wanted})
        with pytest.raises(BrokenOff):
            list(answer.streaming_content)
        answer.close()
    assert "broken" not in caplog.text
    page = analyst.get("/api/basic_data/trial/?limit=1000")
    assert page.status_code == 500
    assert "broken" not in page.content.decode()


def test_head_of_a_stream_names_no_length(loaded, analyst):
    loaded("static")
    answer = analyst.head("/api/basic_data/trial/")
    assert answer["X-Total-Count"] == "130"
    assert "Content-Length" not in answer
    assert b"".join(answer.streaming_content) == b""


def test_an_archive_that_is_shorter_than_it_was(loaded, analyst):
    deployment = loaded("timeline")
    job = Job.objects.create(kind="export", deployment=deployment, state="done")
    export = Export.objects.create(deployment=deployment, snapshot=deployment.snapshots.get(), job=job)
    archive = ExportArchive(export=export, mode="anonymous", file="short.zip", bytes=100, sha256="ab" * 32)
    archive.save()
    with default_storage.open("short.zip", "wb") as file:
        file.write(b"x" * 60)
    answer = analyst.get(f"{EXPORTS}{export.pk}/download/?mode=anonymous")
    assert answer["Content-Length"] == "100"
    with pytest.raises(StorageFailed, match="40 bytes too early"):
        list(answer.streaming_content)


def test_someone_else_s_export_is_not_cancelled(loaded, analyst, officer, person, client_of):
    loaded("timeline")
    number = officer.post(EXPORTS, {"anonymize": "yes", "type": "database"}, format="json").json()["id"]
    refused = analyst.post(f"{EXPORTS}{number}/cancel/")
    assert refused.status_code == 403
    assert Export.objects.get(pk=number).job.state == "queued"
    assert client_of(person("change_job")).post(f"{EXPORTS}{number}/cancel/").status_code == 202


def test_a_session_needs_the_csrf_token(loaded, officer):
    loaded("timeline")
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(officer.token_row.user)
    assert browser.get(EXPORTS).status_code == 200
    refused = browser.post(EXPORTS, {"anonymize": "no"}, format="json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]
    assert not Export.objects.exists()


def fail(cls, context=None, **kwargs):
    raise KeyError("p01@example.org")


def leave(cls, context=None, **kwargs):
    raise SystemExit(3)


def deep(cls, context=None, **kwargs):
    return deep(cls, context)


@pytest.mark.parametrize(("method", "name"), [
    (fail, "KeyError"), (leave, "SystemExit"), (deep, "RecursionError"),
])  # fmt: skip
def test_a_method_that_fails_says_where_and_not_what(served, officer, caplog, method, name):
    served(method)
    before = Audit.objects.count()
    answer = officer.get("/api/basic_data/")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith(f"The deployment's get_basic_data failed with a {name} in ")
    assert name in caplog.text
    assert "p01@example.org" not in answer.content.decode() + caplog.text
    assert Audit.objects.count() == before


def test_parameters_that_the_method_cannot_take(served, analyst):
    served(lambda cls, sheet, context=None, **kwargs: [{"sheet": sheet, **kwargs}])
    assert analyst.get("/api/basic_data/?sheet=a&x=1").json() == [{"sheet": "a", "x": "1"}]
    assert "has no parameter cls" in analyst.get("/api/basic_data/?sheet=a&cls=1").json()["detail"]
    missing = analyst.get("/api/basic_data/")
    assert missing.status_code == 400
    assert "needs the parameter sheet" in missing.json()["detail"]


def test_the_schema_comes_as_it_is_asked_for(analyst):
    assert analyst.get("/api/schema/?format=json").json()["openapi"].startswith("3.")
    assert analyst.get("/api/schema/?format=yaml").content.startswith(b"openapi: 3.")
    refused = analyst.get("/api/schema/?format=xml")
    assert refused.status_code == 400
    assert json.loads(refused.content)["detail"] == "format must be json or yaml."
