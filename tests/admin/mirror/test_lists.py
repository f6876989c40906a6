"""The lists of mirrored tables."""

from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from psynetdata.models import (
    TYPED_MODELS,
    Asset,
    Deployment,
    MirroredTable,
    Network,
    Node,
    Participant,
    Record,
    Response,
    Trial,
)

pytestmark = pytest.mark.django_db(databases="__all__")
MODELS = (Participant, Trial, Asset, Node, Network, Response, Record)


def address(model):
    return f"/admin/psynetdata/{model._meta.model_name}/"


def shown(response) -> list[int]:
    return sorted(int(row.id) for row in response.context["cl"].result_list)


def shows(deployment, **tables: dict[str, int]) -> None:
    """Tell the anonymous face what it holds: {table: {class: rows}}."""
    for table, classes in tables.items():
        MirroredTable.objects.using("anonymous").create(
            deployment_number=deployment.number, table=table, state=uuid4().hex, transform="t", columns=[],
            rows=sum(classes.values()), classes=classes,
        )  # fmt: skip


def queries(client, url) -> int:
    total = 0
    with (
        CaptureQueriesContext(connections["default"]) as default,
        CaptureQueriesContext(connections["identified"]) as identified,
        CaptureQueriesContext(connections["anonymous"]) as anonymous,
    ):
        assert client.get(url).status_code == 200
        total = len(default) + len(identified) + len(anonymous)
    return total


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("face", ["identified", "anonymous"])
def test_only_the_face_that_is_shown_is_asked(person, fill, model, face):
    fill(1)
    client = person("data officer" if face == "identified" else "viewer")
    other = "anonymous" if face == "identified" else "identified"
    with CaptureQueriesContext(connections[other]) as captured:
        page = client.get(address(model))
    assert len(captured) == 0
    assert shown(page) == [1]


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_read_only_even_for_a_superuser(person, fill, model):
    fill(1)
    client = person("superuser")
    key = model.objects.using("identified").get().key
    assert client.get(f"{address(model)}add/").status_code == 403
    assert client.post(f"{address(model)}{key}/change/", {"failed": "1"}).status_code == 403
    assert client.post(f"{address(model)}{key}/delete/", {"post": "yes"}).status_code == 403
    assert model.objects.using("identified").count() == 1


@pytest.mark.parametrize("model", MODELS)
def test_without_the_right_there_is_no_list(person, fill, model):
    assert person("nobody").get(address(model)).status_code == 403


@pytest.mark.parametrize(("query", "found"), [
    ("deployment={number}", [1, 2]), ("deployment=999", []), ("deployment=x", []),
    ("class=Trial", [1, 2]), ("class=Other", []), ("trial_maker=animals", [1, 2]), ("trial_maker=plants", []),
    ("participant_id=2", [2]), ("failed__exact=0", [1, 2]), ("failed__exact=1", []), ("finalized__exact=1", [1, 2]),
    ("creation_time_from_0=2026-11-23&creation_time_from_1=00:00", []),
    ("q=2", [2]), ("q=very+much", [1, 2]), ("q=dogs", [1, 2]), ("q=cats", []), ("q=%2234%22", []), ("q=%22%22", [1, 2]),
])  # fmt: skip
def test_filters_and_search_of_trials(person, fill, deployment, query, found):
    fill(2)
    response = person("viewer").get(f"{address(Trial)}?{query.format(number=deployment.number)}")
    assert shown(response) == found


def test_a_number_in_quotes_is_text(person, fill):
    fill(1, answer='"42 apples"')
    fill(1, start=42)
    client = person("viewer")
    assert shown(client.get(address(Trial), {"q": "42"})) == [42]
    assert shown(client.get(address(Trial), {"q": '"42"'})) == [1]


def test_text_is_found_in_the_form_that_json_gives_it(person, fill):
    fill(1, answer='"Gr\\u00fc\\u00dfe"')
    fill(1, start=2, answer='"Grüße"')
    assert shown(person("viewer").get(address(Trial), {"q": "Grüße"})) == [1, 2]


def test_filters_offer_what_there_is(person, fill, deployment):
    fill(1)
    Deployment.objects.create(deployment_id="other", label="Other one")
    shows(deployment, info={"Trial": 1}, node={"Node": 1})
    page = person("viewer").get(address(Trial)).content.decode()
    for choice in ("Faces", "Other one", "animals", ">Trial<"):
        assert choice in page
    assert ">Node<" not in page


@pytest.mark.parametrize("model", MODELS)
def test_classes_to_filter_by_are_those_that_the_mirror_told(person, deployment, model):
    """Without a look at the rows, of which there are none here; a Record may be of any other table."""
    told = {table: {f"Of{typed.__name__}": 1} for table, typed in TYPED_MODELS.items()}
    shows(deployment, **told, coin={"OfRecord": 2}, pet={"OfRecord": 1, "Another": 1}, empty={})
    page = person("viewer").get(address(model)).content.decode()
    offered = {name for names in ({"OfRecord", "Another"}, *told.values()) for name in names if f">{name}<" in page}
    assert offered == ({"OfRecord", "Another"} if model is Record else {f"Of{model.__name__}"})


def test_links_lead_along_the_keys(person, fill, deployment):
    fill(1)
    key = deployment.number << 40 | 1
    page = person("viewer").get(address(Trial)).content.decode()
    assert f"/admin/psynetdata/participant/{key}/change/" in page
    assert f"/admin/psynetdata/node/{key}/change/" in page


def test_unknown_rows_send_back_to_the_list_of_all(person, fill):
    response = person("viewer").get(f"{address(Trial)}12345/change/")
    assert response.status_code == 302


def test_times_are_shown_in_utc(person, fill):
    fill(1)
    assert "2026-11-22 08:12:49 UTC" in person("viewer").get(address(Trial)).content.decode()


def test_a_search_looks_through_the_newest_rows_first_and_says_so(person, fill, monkeypatch, deployment):
    fill(30)
    client = person("viewer")
    monkeypatch.setattr("psynetdata.admin.pages.bounded_list.NEWEST", 10)
    newest = client.get(address(Trial), {"q": "very much"})
    assert shown(newest) == list(range(21, 31))
    assert "Only the newest 10 rows were searched" in newest.content.decode()
    assert shown(client.get(newest.context["cl"].all_rows_url.join([address(Trial), ""]))) == list(range(1, 31))
    # What an index finds is found among all of them.
    for query in ("q=3", "participant_id=3", f"deployment={deployment.number}&response_id=3"):
        assert shown(client.get(f"{address(Trial)}?{query}")) == [3], query


@pytest.mark.parametrize("query", ["", "?q=very+much", "?failed__exact=0", "?class=Trial"])
def test_rows_are_counted_so_far_and_no_further(person, fill, monkeypatch, query):
    fill(60)
    monkeypatch.setattr("psynetdata.admin.pages.bounded_list.MOST", 55)
    client = person("viewer")
    page = client.get(address(Trial) + query)
    assert page.context["cl"].result_count == 55
    assert "There are more rows; use filters to find them." in page.content.decode()
    assert len(shown(client.get(f"{address(Trial)}{query or '?'}&p=2"))) == 5
