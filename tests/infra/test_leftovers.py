"""What killed processes left behind goes, what a job may still need stays."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from psynetdata.jobs import sweep_leftovers
from psynetdata.models import Job

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def left(settings, tmp_path):
    """left(name, days) makes a folder with a file, and one that stands alone, both touched so many days ago."""
    settings.TEMP_DIR = tmp_path / "tmp"
    settings.TEMP_DIR.mkdir()

    def make(name: str, days: float) -> None:
        (settings.TEMP_DIR / name).mkdir()
        (settings.TEMP_DIR / name / "rows.csv").write_text("1", encoding="utf-8")
        (settings.TEMP_DIR / f"{name}.json").write_text("{}", encoding="utf-8")
        moment = (timezone.now() - timedelta(days=days)).timestamp()
        for path in (f"{name}/rows.csv", name, f"{name}.json"):
            os.utime(settings.TEMP_DIR / path, (moment, moment))

    return make


def there(settings) -> list[str]:
    return sorted(os.listdir(settings.TEMP_DIR))


def test_what_is_older_than_a_day_goes(left, settings):
    left("load-old", days=1.1)
    left("load-new", days=0.9)
    assert sweep_leftovers() == 2
    assert there(settings) == ["load-new", "load-new.json"]


@pytest.mark.parametrize("state", [Job.State.RUNNING, Job.State.QUEUED])
def test_what_a_long_job_may_have_made_stays(state, left, settings):
    left("export-dead", days=3.1)
    left("export-long", days=2.9)
    job = Job.objects.create(kind="export", state=state)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=3))
    sweep_leftovers()
    assert there(settings) == ["export-long", "export-long.json"]
    Job.objects.update(state=Job.State.DONE)
    sweep_leftovers()
    assert there(settings) == []


def test_a_link_goes_and_what_it_leads_to_stays(settings, tmp_path, left):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "rows.csv").write_text("1", encoding="utf-8")
    link = settings.TEMP_DIR / "link"
    link.symlink_to(tmp_path / "kept")
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(link, (long_ago, long_ago), follow_symlinks=False)
    sweep_leftovers()
    assert there(settings) == []
    assert (tmp_path / "kept" / "rows.csv").exists()
