"""The page of one row shows everything that the row holds, as text and never as markup."""

import html
import json

import pytest

from psynetdata.models import TYPED_MODELS, Record, Trial

pytestmark = pytest.mark.django_db(databases="__all__")


def page_of(client, model, key):
    response = client.get(f"/admin/psynetdata/{model._meta.model_name}/{key}/change/")
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def trial_page(person, fill, deployment):
    def show(group="viewer", **columns):
        fill(1, **columns)
        return page_of(person(group), Trial, deployment.number << 40 | 1)

    return show


def test_markup_from_the_data_is_escaped(trial_page):
    page = trial_page(answer='"<script>alert(1)</script>"', definition='{"<b>": "<img src=x onerror=alert(1)>"}')
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_json_is_a_tree(trial_page):
    page = trial_page(definition='{"animal": {"name": "dogs", "legs": [4, NaN]}}')
    assert "<details open><summary>{1}</summary>" in page
    assert "<span class='psd-key'>legs</span>" in page
    assert "NaN" in page


def test_jsonpickle_stays_text(trial_page):
    assert "py/object" in trial_page(definition='{"py/object": "os.system"}')


def test_a_very_large_value_is_there_in_full(trial_page):
    value = json.dumps({f"key{n}": "x" * 50 for n in range(1000)})
    page = trial_page(definition=value)
    assert "key999" in page
    assert page.count("<li>") < 500


def test_very_deep_json_does_not_break_the_page(trial_page):
    text = "[" * 300 + "1" + "]" * 300
    page = trial_page(definition=text)
    assert text in page or "[[[[[[[[1]" in page
    assert "psd-tree" in page


def test_null_and_the_empty_text_are_told_apart(trial_page):
    page = trial_page(answer="", block=None)
    assert '"" (empty)' in html.unescape(page)
    assert "NULL" in page


def test_columns_without_a_field_of_their_own_are_shown(trial_page):
    page = trial_page(rest='{"origin_id": "6", "score": "NaN", "made_up": "hello"}')
    for text in ("origin_id", "made_up", "hello", "NaN"):
        assert text in page


def test_withheld_columns_say_so(trial_page, withheld):
    withheld("secret_column")
    page = trial_page(rest='{"secret_column": null, "origin_id": "6"}')
    assert "withheld on this face" in page


def test_links_to_what_belongs_to_it(trial_page, deployment):
    page = html.unescape(trial_page())
    assert f"/admin/psynetdata/asset/?deployment={deployment.number}&trial_id=1" in page
    assert f"/admin/psynetdata/response/{deployment.number << 40 | 1}/change/" in page


@pytest.mark.django_db(databases="__all__", transaction=True)
@pytest.mark.parametrize("name", ["static_audio", "custom_table_simple"])
def test_every_column_of_real_rows_is_on_the_page(loaded, person, name):
    loaded(name)
    client = person("superuser")
    for model in (*TYPED_MODELS.values(), Record):
        row = model.objects.using("identified").order_by("key").last()
        if row is None:
            continue
        page = html.unescape(page_of(client, model, row.key))
        for column, text in row.rest_columns.items():
            assert f"<dt>{column}</dt>" in page
            if text and text[0] not in "[{" and len(text) < 200:
                assert text in page
        for column in row.typed_fields():
            assert getattr(row, column) is None or f"<dt>{column}</dt>" in page
