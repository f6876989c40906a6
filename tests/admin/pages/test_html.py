"""Small pieces of HTML."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from psynetdata.admin.pages import html


@pytest.mark.parametrize(("count", "text"), [
    (None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (33_093, "33.1 kB"), (5 * 10**9, "5.0 GB"),
    (7 * 10**15, "7000.0 TB"),
])  # fmt: skip
def test_sizes(count, text):
    assert html.size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [
    (-5, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7199, "1 hour"), (86400 * 3, "3 days"),
])  # fmt: skip
def test_durations(seconds, text):
    assert html.duration(timedelta(seconds=seconds)) == text


def test_age_of_nothing():
    assert html.age(None) == "–"
    assert html.age(timezone.now()) == "0 seconds"


def test_times_are_utc_whatever_their_zone():
    moment = datetime(2026, 11, 22, 9, 0, 0, 500, tzinfo=timezone.get_fixed_timezone(60))
    shown = html.utc(moment)
    assert "2026-11-22 08:00:00 UTC" in shown
    assert "2026-11-22T08:00:00.000500+00:00" in shown
    assert html.utc(datetime(5, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("text", "line"), [
    ('"Very much"', "Very much"), ("plain\n text", "plain text"),
    ('{"a": 1}', "{&quot;a&quot;: 1}"), ("<b>", "&lt;b&gt;"),
])  # fmt: skip
def test_short_texts_of_lists(text, line):
    assert html.short(text) == f'<span class="psd-short">{line}</span>'


def test_long_texts_are_cut_in_lists():
    assert len(html.short("x" * 500)) < 150


def test_values_of_every_kind():
    assert "NULL" in html.value(None)
    assert html.value(0) == "0"
    assert ">yes<" in html.value(True)
    assert html.value("text") == "text"
    assert html.value("a\nb") == '<pre class="psd-box">a\nb</pre>'
    assert "psd-tree" in html.value("[1]")
    assert html.value("[1") == "[1"
    assert html.value("12") == "12"
    assert '<pre class="psd-box">{}</pre>' in html.value("{}")


def test_keys_are_escaped_too():
    assert "<b>" not in html.json_value({"<b>": {"<i>": "<u>"}})
    assert "<u>" not in html.json_value({"<b>": {"<i>": "<u>"}})
