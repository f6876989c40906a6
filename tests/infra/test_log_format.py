"""Log lines carry the ids of their job and request, as text and as JSON."""

import json
import logging
import sys

import pytest

from psynetdata import jobs
from psynetdata.infra.log_format import JsonFormatter, PlainFormatter, log_ids

RECORD = logging.LogRecord("psynetdata.jobs", logging.WARNING, "", 1, "the %s failed", ("thing",), None)


def test_json():
    with log_ids(job=7):
        line = json.loads(JsonFormatter().format(RECORD))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "WARNING", "logger": "psynetdata.jobs", "message": "the thing failed", "job": 7}


def test_an_error_is_one_line_too():
    try:
        raise ValueError("x\ny")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["error"]


def test_text():
    formatter = PlainFormatter("{levelname} {name}: {message}", style="{")
    assert formatter.format(RECORD) == "WARNING psynetdata.jobs: the thing failed"
    with log_ids(request="abc"), log_ids(job=7):
        assert formatter.format(RECORD) == "WARNING psynetdata.jobs: the thing failed [request abc] [job 7]"


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize(("sent", "same"), [("proxy-1.2", True), ("a b", False), ("x" * 65, False), ("", False)])
def test_a_request_has_an_id(client, sent, same):
    answer = client.get("/healthz", headers={"X-Request-ID": sent})
    assert (answer["X-Request-ID"] == sent) is same
    assert 0 < len(answer["X-Request-ID"]) <= 64


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_what_a_job_logs_names_it(monkeypatch):
    lines = []
    kind = jobs.Kind(lambda running: lines.append(JsonFormatter().format(RECORD)), jobs.FAST, 1)
    monkeypatch.setitem(jobs._kinds, "speaks", kind)
    job = jobs.run_here("speaks")
    assert json.loads(lines[0])["job"] == job.pk
    assert "job" not in json.loads(JsonFormatter().format(RECORD))
