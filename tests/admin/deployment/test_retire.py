"""Retiring a deployment from its page."""

import pytest

from psynetdata.models import Job
from tests.admin.conftest import page_of, sentences, text_of

pytestmark = pytest.mark.django_db(databases="__all__")


def over(deployment, **result) -> Job:
    return Job.objects.create(kind="retire", deployment=deployment, state="done", result=result)


def test_the_button_asks_first_and_starts_one_job(person, watched):
    admin = person("admin")
    assert "Nothing is changed on the server" in admin.get(page_of(watched, "retire")).content.decode()
    assert not Job.objects.exists()
    for _ in range(2):
        assert admin.post(page_of(watched, "retire")).status_code == 302
    job = Job.objects.get()
    assert (job.kind, job.deployment, job.owner) == ("retire", watched, admin.user)
    assert "waiting for a worker" in text_of(admin, watched)


def test_the_page_says_whether_it_may_go(person, watched):
    admin, viewer = person("admin"), person("viewer")
    assert "afe to destroy" not in text_of(admin, watched)
    missing = "exp on db.lab.org:5432: the server does not answer."
    over(watched, safe=False, done=["It has no assets."], missing=[missing])
    said = text_of(admin, watched)
    assert all(words in said for words in ("Not safe to destroy", "It has no assets.", missing))
    said = text_of(viewer, watched)
    assert "Not safe to destroy" in said
    assert "db.lab.org" not in said
    over(watched, safe=True, done=["It has no assets."], missing=[])
    assert "Safe to destroy" in text_of(admin, watched)


def test_only_who_looks_after_deployments_may_and_only_where_there_is_a_server(person, watched, deployment):
    assert person("data officer").post(page_of(watched, "retire")).status_code == 403
    watched.source = "upload"
    watched.save()
    (said,) = sentences(person("admin").post(page_of(watched, "retire"), follow=True))
    assert "no server to retire" in said
    assert not Job.objects.exists()
