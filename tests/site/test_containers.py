"""The files for containers agree with the code. `make image` builds the image itself, which takes minutes."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from psynetdata.management.commands.serve import Command

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_compose_names_what_exists():
    found = yaml.safe_load(COMPOSE)
    services = found["services"]
    assert set(services) == {"web", "worker", "database", "redis"}
    settings = (ROOT / "psynetdata" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.read\(\s*"(\w+)"', settings)) | {"HEROKU_API_KEY"}
    for name in ("web", "worker"):
        assert set(services[name]["environment"]) <= read
        assert services[name]["read_only"]
        command, *words = services[name]["command"]
        assert command == "serve"
        Command().create_parser("manage.py", command).parse_args(words)
    for service in services.values():
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(found["volumes"])
        assert set(service.get("depends_on", {})) <= set(services)
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE))
    text = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    assert {name for name in asked if f"`{name}`" not in text} == set()


def test_the_image_gets_files_that_exist_and_nothing_else():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)
    assert copied > {"psynetdata", "exports", "templates", "manage.py", "requirements.txt"}
    assert "USER 10001:10001" in lines


STAND_IN = """#!/usr/bin/env bash
# docker, as far as docker/export asks for it; $ROOT is the container's root.
echo "$*" >> "$ROOT/asked"
case "$2 $4 $5 $6" in
  "exec worker python manage.py") shift 7
    [ "${1:-}" != --fails ] || { echo "one sentence" >&2; exit 1; }
    mkdir -p "$ROOT/data/home/psynet-data/export/ID/a b" && echo {} > "$ROOT/data/home/psynet-data/export/ID/a b/m.json"
    echo "export 3 of ID"; echo "/data/home/psynet-data/export/ID/a b" ;;
  "exec worker rm -r") rm -r -- "$ROOT$8" ;;
  *) cp -r "$ROOT${3#worker:}" "$4" ;;
esac
"""


@pytest.fixture
def docker_export(tmp_path, monkeypatch):
    """docker_export(*words) → the finished process, typed in the folder `tmp_path`."""
    stand_in = tmp_path / "bin" / "docker"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    environment = {"PATH": f"{stand_in.parent}:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "ROOT": str(tmp_path)}
    command = ["bash", ROOT / "docker" / "export"]
    return lambda *words: subprocess.run(
        [*command, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )


def test_docker_export_brings_the_export_to_this_machine(docker_export, tmp_path):
    done = docker_export("--anonymize", "--app", "my app")
    path = tmp_path / "home" / "psynet-data" / "export" / "ID" / "a b"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"export 3 of ID\n{path}\n", "")
    assert [file.name for file in path.iterdir()] == ["m.json"]
    assert (
        "compose exec -T worker python manage.py export --anonymize --app my app\n" in (tmp_path / "asked").read_text()
    )
    assert not any((tmp_path / "data").rglob("m.json"))
    for words in (["--path", "new/folder"], ["--path=empty"]):
        (tmp_path / "empty").mkdir(exist_ok=True)
        path = tmp_path / words[-1].removeprefix("--path=")
        assert docker_export(*words).stdout.splitlines()[-1] == str(path)
        assert [file.name for file in path.iterdir()] == ["m.json"]
    assert "--path" not in (tmp_path / "asked").read_text()


def test_docker_export_says_what_is_wrong(docker_export, tmp_path):
    done = docker_export("--fails")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "one sentence\n")
    done = docker_export("--path", "bin")
    assert (done.returncode, "is not empty" in done.stderr) == (1, True)
