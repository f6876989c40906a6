"""What every answer says to browsers and caches, and what the site is like behind HTTPS."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db(databases="__all__")
DEPLOYED = {"BEHIND_HTTPS": "1", "ALLOWED_HOSTS": "data.lab.org", "CSRF_TRUSTED_ORIGINS": "https://data.lab.org"}


def directives(answer) -> dict[str, set[str]]:
    parts = [part.split() for part in answer["Content-Security-Policy"].split(";") if part.strip()]
    return {name: set(sources) for name, *sources in parts}


@pytest.mark.parametrize(
    "address",
    [
        "/admin/login/", "/admin/", "/admin/psynetdata/trial/", "/admin/nosuch/", "/api/docs/", "/api/deployments/",
        "/api/basic_data/", "/api/nosuch/", "/metrics", "/healthz", "/nosuch", "/basic_data",
    ],
)  # fmt: skip
def test_every_answer_loads_from_here_only_and_is_kept_by_no_cache(admin_client, address):
    for client in (Client(), admin_client):
        answer = client.get(address)
        policy = directives(answer)
        assert policy["default-src"] == {"'none'"}
        assert policy["script-src"] == {"'self'", "'unsafe-eval'"}
        assert set().union(*policy.values()) <= {"'none'", "'self'", "'unsafe-eval'", "'unsafe-inline'", "data:"}
        assert policy["frame-ancestors"] == policy["base-uri"] == {"'none'"}
        assert "no-store" in answer["Cache-Control"]
        assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))


def manage(*arguments: str, tmp_path, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, settings.BASE_DIR / "manage.py", *arguments]
    environment = {**os.environ, "DATA_DIR": str(tmp_path), **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_djangos_check_of_a_deployment_finds_nothing(tmp_path):
    done = manage("check", "--deploy", "--fail-level", "WARNING", tmp_path=tmp_path, **DEPLOYED)
    assert done.returncode == 0, done.stderr


_ASK = """
from django.test import Client
for address, how in (("/admin/login/", {}), ("/healthz", {}), ("/admin/login/", {"HTTP_X_FORWARDED_PROTO": "https"})):
    answer = Client(HTTP_HOST="data.lab.org").get(address, **how)
    print(answer.status_code, answer.get("Location"), answer.get("Strict-Transport-Security"))
"""


def test_behind_https_the_site_is_only_there(tmp_path):
    assert manage("migrate", "--verbosity", "0", tmp_path=tmp_path).returncode == 0
    done = manage("shell", "--no-imports", "-c", _ASK, tmp_path=tmp_path, **DEPLOYED)
    redirect, health, page = done.stdout.splitlines()[-3:]
    assert redirect == "301 https://data.lab.org/admin/login/ None"
    assert health.split()[0] in ("200", "503")  # without workers
    assert page == "200 None max-age=31536000"
