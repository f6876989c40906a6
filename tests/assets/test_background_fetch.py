"""Asset files are fetched beside an experiment that runs; what nobody has any more is pruned."""

import os
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from exports.assets import background_fetch
from exports.models import StoredAsset
from exports.models.asset import file_of
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from psynetdata import credentials, jobs
from psynetdata.models import Audit, Deployment, Job, Secret
from psynetdata.psynet.problems import UsageError
from tests.assets.test_asset_files import SAMPLE

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def running(loaded):
    deployment = loaded("static_audio")
    deployment.state, deployment.assets_every = Deployment.State.RUNNING, 60
    deployment.assets_url = SAMPLE.as_uri()
    deployment.save()
    return deployment


@pytest.fixture
def quiet():
    """One without data."""
    return Deployment.objects.create(deployment_id="quiet", assets_url="file:///x", assets_every=60)


def done(deployment, **options) -> dict:
    return jobs.run_here(background_fetch.KIND, options=options, deployment=deployment).result


def test_everything_that_is_not_here_is_fetched_and_then_nothing(running):
    told = done(running)
    why = "the experiment makes it on demand, and the experiment's address is not known"
    assert (told["fetched"], told["missing"], told["left"]) == (79, {why: 3}, False)
    assert told["bytes"] == sum(StoredAsset.objects.values_list("bytes", flat=True))
    again = done(running)
    assert (again["fetched"], again["bytes"], again["missing"]) == (0, 0, {why: 3})


def test_it_stops_for_others_and_goes_on_at_the_next_round(running, monkeypatch):
    monkeypatch.setattr(background_fetch, "_LONGEST", 0.0)
    told = done(running)
    assert told["left"]
    assert StoredAsset.objects.count() == told["fetched"] < 79
    assert done(running, whole=True)["left"] is False
    assert StoredAsset.objects.count() == 79


def test_one_round_at_a_time_and_only_of_those_that_run_and_want_it(quiet):
    Deployment.objects.create(deployment_id="never")
    Deployment.objects.create(deployment_id="over", state=Deployment.State.ARCHIVED, assets_every=60)
    now = timezone.now()
    assert [job.deployment for job in background_fetch.send_due(now)] == [quiet]
    assert background_fetch.send_due(now + timedelta(minutes=90)) == []  # the first still waits
    Job.objects.update(state=Job.State.DONE)
    assert background_fetch.send_due(now + timedelta(minutes=30)) == []
    assert len(background_fetch.send_due(now + timedelta(minutes=60))) == 1


def test_prune_takes_the_files_that_nobody_has(running):
    done(running)
    nobodys = default_storage.save(file_of("0" * 64), ContentFile(b"nobody's"))
    mine = default_storage.save("assets/notes.txt", ContentFile(b"mine"))
    assert jobs.run_here("prune").result["assets"]["files"] == 0
    old = (timezone.now() - timedelta(hours=2)).timestamp()
    for row in StoredAsset.objects.all():
        os.utime(default_storage.path(row.file), (old, old))
    for name in (nobodys, mine):
        os.utime(default_storage.path(name), (old, old))
    assert jobs.run_here("prune").result["assets"]["files"] == 0  # nobody decided that it goes
    dry = jobs.run_here("prune", options={"dry_run": True, "quarantined": True}).result["assets"]
    told = jobs.run_here("prune", options={"quarantined": True}).result["assets"]
    assert dry == told == {"files": 1, "bytes": 8, "waits": False}
    assert not default_storage.exists(nobodys)
    assert default_storage.exists(mine)
    assert all(default_storage.exists(row.file) for row in StoredAsset.objects.all())


# --- where they live, as people say it -------------------------------------------------------


def test_a_password_in_a_url_is_sealed_and_stands_nowhere(quiet):
    changed = set_asset_location(quiet, AssetLocationSettings(url="sftp://me:pa%2Fss@host/x", every=0, hosts="a.org"))
    quiet.refresh_from_db()
    assert changed == ["assets_url", "assets_hosts", "assets_every", "assets_secret"]
    assert (quiet.assets_url, quiet.assets_every) == ("sftp://me@host/x", None)
    assert credentials.reveal(quiet.assets_secret) == "pa/ss"
    told = " ".join(map(str, Audit.objects.values_list("details", flat=True)))
    assert "pa/ss" not in Secret.objects.get().sealed + told
    set_asset_location(quiet, AssetLocationSettings(url="s3://KEY:SEC%2FRET@bucket/x?endpoint_url=http://s3"))
    assert (quiet.assets_url, credentials.reveal(quiet.assets_secret)) == (
        "s3://bucket/x?endpoint_url=http://s3", "KEY:SEC/RET",
    )  # fmt: skip


def test_another_place_does_not_get_the_password_of_the_old_one(quiet, monkeypatch):
    set_asset_location(quiet, AssetLocationSettings(password="secret"))
    assert quiet.assets_secret
    set_asset_location(quiet, AssetLocationSettings(hosts="a.org"))
    assert quiet.assets_secret
    set_asset_location(quiet, AssetLocationSettings(url="https://elsewhere.org/x"))
    assert quiet.assets_secret == ""
    monkeypatch.setenv("A_KEY", "x")
    set_asset_location(quiet, AssetLocationSettings(secret_env="A_KEY"))
    assert quiet.assets_secret == "env:A_KEY"


@pytest.mark.parametrize("wrong", [
    {"every": 4}, {"every": 99999}, {"url": "ssh://x"}, {"hosts": "a/b"}, {"experiment": "ftp://x"},
    {"experiment_login": "no colon"},
])  # fmt: skip
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        AssetLocationSettings(**wrong)


def test_the_command_says_where_they_live_and_fetches(running, typed, tmp_path):
    keys = tmp_path / "known_hosts"
    keys.write_text("host ssh-ed25519 AAAA")
    words = ("--hosts", "a.org", "--known-hosts", keys, "--every", "30", "--fetch")
    status, out, err = typed("deployment", "assets", *words)
    assert status == 0
    assert "every 30 minutes while it runs" in out
    assert "79 files were fetched" in out
    assert "3 are missing" in err
    assert "https://exp.org" in typed("deployment", "assets", "--experiment", "https://exp.org")[1]
    assert typed("deployment", "assets", "--url", "gopher://x")[0] == 2
    assert typed("deployment", "assets", "--known-hosts", tmp_path / "gone")[0] == 1
    assert typed("deployment", "assets", "--secret-env", "NOT_SET_ANYWHERE")[0] == 1
