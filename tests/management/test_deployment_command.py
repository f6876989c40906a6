"""`manage.py deployment`, as someone types it."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from exports.capture.take import take
from exports.sources.postgres import parse
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, NotFound

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def deployment(*words) -> str:
    out = StringIO()
    call_command("deployment", *words, stdout=out)
    return out.getvalue()


def test_what_was_found_is_shown(postgres):
    url = postgres.database("static")
    said = deployment("add", url, "--every", "300", "--label", "My study")
    assert "static-experiment-demo__mode=debug" in said
    assert "My study" in said
    assert "PostgreSQL 18" in said
    assert "15 in participant, 130 in info, 157 in response" in said
    assert "clock       UTC" in said
    assert "every 300 s" in said
    assert "Registered as number 1." in said or "Registered as number" in said
    assert parse(url).password not in said.replace("password", "")
    assert "It was already known" in deployment("add", url)
    assert Deployment.objects.get().label == "My study"


def test_a_folder_with_its_asset_files_is_found(postgres, tmp_path, monkeypatch):
    url = postgres.database("static_audio")
    (path,) = postgres.execute(url, "SELECT host_path FROM asset WHERE host_path IS NOT NULL ORDER BY id LIMIT 1")[0]
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "psynet-data" / "assets"
    folder.mkdir(parents=True)
    assert "no folder with its files was found" in deployment("add", url)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(b"sound")
    assert folder.as_uri() in deployment("add", url)
    assert Deployment.objects.get().assets_url == folder.as_uri()


def test_the_list(postgres, loaded):
    assert "There are no deployments yet" in deployment("list")
    deployment("add", postgres.database("static"))
    loaded("timeline")
    take(Deployment.objects.get(source="local"))
    lines = deployment("list").splitlines()
    assert lines[0].split() == ["deployment", "label", "state", "source", "snapshots", "newest", "alarms"]
    assert "running" in lines[1]
    assert "every 60 s" in lines[1]
    assert "finished" in lines[2]


def test_pause_resume_archive(postgres):
    deployment("add", postgres.database("static"))
    assert deployment("pause").endswith("is paused.\n")
    with pytest.raises(Conflict, match="is paused; nothing was changed"):
        deployment("pause")
    assert deployment("resume", "static-experiment-demo__mode=debug__launch=2026-11-22--08-12-41").endswith("again.\n")
    assert deployment("archive").endswith("is archived.\n")
    with pytest.raises(NotFound):
        deployment("pause", "other")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["add", "postgres://a@127.0.0.1:1/b"], 1, "no PostgreSQL answers there"),
        (["add", "mysql://a@b/c"], 1, "Write the address of a source like postgres://role@host"),
        (["add", "postgres://a@b/c", "--every", "5"], 2, "every 60 to"),
        (["pause", "nobody"], 1, "There is no deployment 'nobody' here"),
        ([], 2, "VERB"),
    ],
)
def test_in_a_shell(data_dir, words, status, sentence):
    environment = {**os.environ, "DATA_DIR": str(data_dir), "DATABASE_URL": ""}
    command = [sys.executable, ROOT / "manage.py", "deployment", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
