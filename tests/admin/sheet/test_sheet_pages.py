"""A sheet's page, links made on it, and sheets put together in the admin."""

import re
from html import escape, unescape
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client

from exports.models import SourceCode
from psynetdata.models import ApiToken, Audit, MirroredTable, SavedSheet, SheetLink, Trial
from tests.admin.conftest import WORKER

pytestmark = pytest.mark.django_db(databases="__all__")
SAVED = "/admin/psynetdata/savedsheet/"


@pytest.fixture
def trials(deployment, fill):
    """Three trials on both faces, with their tables' columns told."""
    fill(3)
    columns = {
        "info": ["id", "participant_id", "node_id", "failed", "answer", "definition", "vars", "score_"],
        "participant": ["id", "worker_id", "vars"],
        "node": ["id"],
    }
    for face in ("identified", "anonymous"):
        for table, names in columns.items():
            told = [[name, {"id": "int4", "failed": "bool"}.get(name, "varchar"), False] for name in names]
            MirroredTable.objects.using(face).create(
                deployment_number=deployment.number, table=table, state="s", transform="t", columns=told, rows=3
            )
    return f"/admin/psynetdata/deployment/{deployment.pk}/sheets/trial/"


def test_the_page_shows_first_rows_and_how_to_get_them(person, trials, deployment):
    client = person("analyst")
    text = client.get(trials).content.decode()
    for shown in ("First rows", "participant_worker_id", WORKER["anonymous"], "Copy as R", "Copy as Python", "curl -H"):
        assert shown in text
    assert WORKER["identified"] not in text
    assert f"deployment={deployment.deployment_id.replace('=', '%3D')}" in text
    assert trials in client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/").content.decode()
    assert client.get(trials.replace("trial", "nothing")).status_code == 404
    assert person("nobody").get(trials).status_code == 403
    assert not Audit.objects.filter(identified=True).exists()
    assert WORKER["identified"] in person("data officer").get(trials).content.decode()
    assert Audit.objects.filter(identified=True, target="sheet trial").count() == 1


@pytest.mark.parametrize("name", ["Animal/Trial", "a/1", "/", "a//b/", "line\nend", "", "?q#%2F", "..", "Über Größe"])
def test_a_sheet_of_any_name_has_a_page_and_an_address(person, trials, deployment, name):
    """An experimenter chooses the names of classes and tables; none of them may break the deployment's page."""
    tables = MirroredTable.objects.filter(deployment_number=deployment.number, table="info")
    for face in ("identified", "anonymous"):
        Trial.objects.using(face).filter(id__lt=3).update(class_name=name)
        tables.using(face).update(classes={name: 2, "a": 1})
    client = person("analyst")
    page = client.get(f"/admin/psynetdata/deployment/{deployment.pk}/change/")
    assert page.status_code == 200
    address = f"/admin/psynetdata/deployment/{deployment.pk}/sheets/{quote(name)}/"
    assert f'href="{escape(address)}"' in page.content.decode()
    assert client.get(address).context["title"] == f"Sheet {name}"
    sheet, row = (client.get(f"/api/basic_data/{quote(name, safe='')}/{more}") for more in ("", "1/"))
    assert (sheet.status_code, sheet["X-Total-Count"], row.json()["id"]) == (200, "2", 1)
    sheet.close()


def test_a_link_is_made_used_and_revoked(person, trials):
    client = person("analyst")
    assert '<form method="post" novalidate>' not in person("viewer").get(trials).content.decode()
    assert person("viewer").post(trials, {"days": 3}).status_code == 403
    assert SheetLink.objects.count() == 0
    assert "less than or equal to 365" in client.post(trials, {"days": 5000}).content.decode()
    text = client.post(trials, {"days": 3}).content.decode()
    address = re.search(r'id="new-link">([^<]+)<', text)[1]
    assert "read.csv(" in text
    row = SheetLink.objects.get()
    assert (row.user, row.sheet) == (client.user, "trial")
    assert Audit.objects.filter(verb="issue", target=f"link {row.pk} to sheet trial").exists()
    path = urlsplit(address).path
    answer = Client().get(f"{path}?fields=id")
    assert b"".join(answer.streaming_content).count(b'"id"') == 3
    assert person("analyst").post(f"/admin/psynetdata/sheetlink/{row.pk}/revoke/").status_code == 302
    assert Client().get(path).status_code == 200  # it was not theirs
    client.post(f"/admin/psynetdata/sheetlink/{row.pk}/revoke/")
    assert Client().get(path).status_code == 410
    assert "revoked" in client.get("/admin/psynetdata/sheetlink/").content.decode()


def test_a_link_shows_no_identified_data_whoever_made_it(person, trials):
    officer = person("data officer")
    assert WORKER["identified"] in officer.get(trials.replace("trial", "participant")).content.decode()
    text = officer.post(trials.replace("trial", "participant"), {"days": 3}).content.decode()
    path = urlsplit(re.search(r'id="new-link">([^<]+)<', text)[1]).path
    body = b"".join(Client().get(path).streaming_content).decode()
    assert WORKER["anonymous"] in body
    assert WORKER["identified"] not in body
    for headers in ({}, {"Authorization": f"Token {ApiToken.issue(officer.user, identified=True)[1]}"}):
        for client in (Client(headers=headers), officer):
            assert client.get(f"{path}?face=identified").status_code == 403
            body = b"".join(client.get(path).streaming_content).decode()
            assert WORKER["identified"] not in body


def told(deployment, **fields):
    columns = "id\nanimal = definition.animal\nwho = participant_worker_id"
    made = {"deployment": deployment.pk, "name": "animals", "base": "trial", "columns": columns}
    return {**made, "filters": "id__gt=1", "order": "-id", **fields}


def test_a_sheet_is_previewed_saved_and_changed(person, trials, deployment):
    client = person("data officer")
    preview = client.post(f"{SAVED}add/", told(deployment, _preview="1")).content.decode()
    assert "First rows" in preview
    assert "animal = definition.animal" in preview
    assert WORKER["identified"] in preview
    assert not SavedSheet.objects.exists()
    assert client.post(f"{SAVED}add/", told(deployment)).status_code == 302
    row = SavedSheet.objects.get()
    assert row.columns == [["id", "id"], ["animal", "definition.animal"], ["who", "participant_worker_id"]]
    assert (row.filters, row.order, row.made_by) == ({"id__gt": ["1"]}, ["-id"], client.user)
    page = client.get(f"{SAVED}{row.pk}/change/").content.decode()
    assert "who = participant_worker_id" in page
    assert "id__gt=1" in page
    client.post(f"{SAVED}{row.pk}/change/", told(deployment, order=""))
    row.refresh_from_db()
    assert row.order == []
    assert "dogs" in client.get(trials.replace("trial", "animals")).content.decode()
    assert person("analyst").get(f"{SAVED}add/").status_code == 403
    assert row.name in person("analyst").get(SAVED).content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"columns": "colour"}, "has no column colour"),
        ({"columns": "x = id\nx = answer"}, "each name can be used only once"),
        ({"filters": "id"}, "is not a filter"),
        ({"filters": "id__near=3"}, "has no filter"),
        ({"order": "colour"}, "cannot be ordered"),
        ({"base": "nothing"}, "There is no such sheet"),
        ({"name": "a/b"}, "becomes part of a URL"),
        ({"name": "Trial"}, "already has a sheet called Trial"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(person, trials, deployment, wrong, sentence):
    answer = person("data officer").post(f"{SAVED}add/", told(deployment, **wrong))
    assert sentence in answer.content.decode()
    assert not SavedSheet.objects.exists()


def test_the_method_in_the_source_code_is_shown_to_copy(person, trials, deployment):
    page = f"/admin/psynetdata/deployment/{deployment.pk}/get-basic-data/"
    change = f"/admin/psynetdata/deployment/{deployment.pk}/change/"
    officer = person("data officer")
    assert officer.get(page).status_code == 404
    assert page not in officer.get(change).content.decode()
    method = "    @classmethod\n    def get_basic_data(cls):\n        return '</pre><script>'"
    SourceCode.objects.create(deployment=deployment, sha256="0" * 64, bytes=2048, basic_data=method)
    assert page in officer.get(change).content.decode()
    lines = re.search(r"<pre[^>]*>(.*?)</pre>", officer.get(page).content.decode(), re.DOTALL)[1]
    module = unescape(lines)
    assert f"class Exp(Experiment):\n    label = 'Faces'\n\n{method}" in module
    compile(module, "copied", "exec")
    assert Audit.objects.filter(identified=True, target="get_basic_data in the source code").exists()
    analyst = person("analyst")
    assert analyst.get(page).status_code == 403
    assert page not in analyst.get(change).content.decode()
    SourceCode.objects.update(basic_data="")
    assert "No readable get_basic_data" in officer.get(page).content.decode()
