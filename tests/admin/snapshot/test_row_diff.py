"""What changed from one snapshot to the next, row by row, on the desk."""

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage

from exports.admin.snapshot import row_diff
from exports.history.diff import to_read
from exports.models import Snapshot
from exports.store.blobs import Store
from tests.admin.conftest import page_of, text_of
from tests.store.snapshot_factory import written_down

pytestmark = pytest.mark.django_db(databases="__all__")
HEADER = ["id", "text"]


@pytest.fixture(autouse=True)
def nothing_kept():
    cache.clear()


@pytest.fixture
def two():
    """A snapshot and the next: of `coin` one row came, one changed, one went; `pet` is as it was."""
    pet = [HEADER, *([str(number), "x"] for number in range(1, 20_000, 100))]
    old = written_down({"coin": [HEADER, ["1", "a"], ["2", "b"]], "pet": pet})
    return old, written_down({"coin": [HEADER, ["2", "c"], ["3", "d"]], "pet": pet, "info": [["id"], ["1"]]})


def address(row: Snapshot) -> str:
    return page_of(row, "changed")


def test_the_page_and_its_lines_tell_rows(person, two):
    client = person("data officer")
    page = client.get(address(two[1]))
    (card,) = page.context["cards"]
    assert [row[:4] for row in card.rows] == [("coin", "1", "1", "1"), ("info", "1", "0", "0")]
    lines = client.get(f"{address(two[1])}?part").content.decode()
    assert lines == "<ul><li>coin: 1 added, 1 changed, 1 removed</li><li>trials: 1 added</li></ul>"
    lines = person("viewer").get(f"{address(two[1])}?part").content.decode()
    assert lines == "<ul><li>[withheld]: 1 added, 1 changed, 1 removed</li><li>trials: 1 added</li></ul>"


def test_both_pages_lead_there(person, two):
    client = person("viewer")
    of_deployment = text_of(client, two[1].deployment)
    assert f'data-unfold-url="{address(two[1])}?part"' in of_deployment
    assert f'<a class="psd-link" href="{address(two[1])}">row by row</a>' in of_deployment
    assert f'data-unfold-url="{address(two[0])}' not in of_deployment
    assert address(two[1]) in text_of(client, two[1])


def test_only_segments_that_differ_are_opened_and_once(person, two, monkeypatch):
    old, new = two
    assert to_read(old, new) == 2 + 2 + 1
    opened = []
    real = Store.open
    monkeypatch.setattr(Store, "open", lambda self, segment: opened.append(segment.rows) or real(self, segment))
    client = person("viewer")
    client.get(f"{address(new)}?part")
    assert sorted(opened) == [1, 2, 2]
    client.get(address(new))
    assert len(opened) == 3


def test_too_much_for_a_page_names_the_command(person, two, monkeypatch):
    monkeypatch.setattr(row_diff, "MOST", 4)
    text = person("viewer").get(f"{address(two[1])}?part").content.decode()
    assert "5 rows would have to be read" in text
    assert f"manage.py snapshot diff {two[0].pk} {two[1].pk}" in text


def test_the_first_one_and_one_that_is_the_same(person, two):
    client = person("viewer")
    assert "first snapshot" in client.get(f"{address(two[0])}?part").content.decode()
    same = Snapshot.objects.create(
        deployment=two[1].deployment, taken_at=two[1].taken_at, tables=two[1].tables, rows=two[1].rows
    )
    assert "No row differs" in client.get(f"{address(same)}?part").content.decode()
    assert "exactly the same rows" in client.get(address(same)).content.decode()


def test_what_is_damaged_is_a_sentence(person, two):
    for folder, _, names in _walked("snapshots"):
        for name in names:
            default_storage.delete(f"{folder}/{name}")
    answer = person("viewer").get(address(two[1]))
    assert answer.status_code == 200
    (card,) = answer.context["cards"]
    assert card.note
    assert not card.rows


def _walked(folder: str):
    folders, names = default_storage.listdir(folder)
    yield folder, folders, names
    for one in folders:
        yield from _walked(f"{folder}/{one}")


def test_who_may_not_see_snapshots_gets_none(person, two):
    assert person("nobody").get(address(two[1])).status_code == 403
    assert person("viewer").get(f"/admin/exports/snapshot/{two[1].pk + 9}/changed/").status_code == 404
