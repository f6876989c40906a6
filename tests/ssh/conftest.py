"""A lab's server as PsyNet has them: OpenSSH, a `docker` that answers as recorded, PostgreSQL in its container.

The container's address is the loopback one and its port is told by the address, as no network of docker's is here.
"""

import json
import secrets
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exports.operations import deployments
from psynetdata.models import Deployment
from tests.assets.servers import need
from tests.assets.servers import ssh as openssh

RECORDED = Path(__file__).parent / "docker-inspect.json"
# What docker wrote to stderr, with its exit status.
NO_RIGHTS = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
    'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.47/containers/dallinger-postgresql-1/json": '
    "dial unix /var/run/docker.sock: connect: permission denied",
    1,
)
NO_CONTAINER = ("Error: No such container: dallinger-postgresql-1", 1)
NO_DAEMON = ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", 1)
FULL = ("open /tmp/docker-1234: no space left on device", 1)
NO_PROGRAM = ("sh: 1: docker: not found", 127)
_DOCKER = """#!/bin/sh
[ "$*" = "inspect --type container dallinger-postgresql-1" ] || { echo "unknown: $*" >&2; exit 125; }
cat "$0.stderr" >&2
cat "$0.stdout"
exit "$(cat "$0.status")"
"""


class Lab:
    """`server` is its SSH server, `home` that of its user there."""

    def __init__(self, folder: Path, postgres):
        self.home, self.postgres = folder / "home", postgres
        programs = folder / "bin"
        self._docker = programs / "docker"
        for made in (self.home, programs):
            made.mkdir(parents=True)
        self._docker.write_text(_DOCKER)
        self._docker.chmod(self._docker.stat().st_mode | stat.S_IXUSR)
        self.runs()
        self._role()
        self.server = openssh.SSHServer(home=self.home, path=programs)

    def runs(self, **changes) -> None:
        """Docker knows the container; `changes` are of what is recorded, by the path of keys."""
        (container,) = json.loads(RECORDED.read_text())
        container["NetworkSettings"]["Networks"]["dallinger"]["IPAddress"] = changes.get("address", "127.0.0.1")
        container["State"]["Running"] = changes.get("running", True)
        self._answers(json.dumps([container]), "", 0)

    def docker_fails(self, said: str, status: int) -> None:
        self._answers("[]\n", said, status)

    def app(self, name: str = "static") -> str:
        """The name of an app with a reference database."""
        return urlsplit(self.postgres.database(name)).path[1:]

    def url(self, app: str, **query) -> str:
        query = {"port": self.postgres.server.port} | query
        words = "&".join(f"{name}={value}" for name, value in query.items() if value)
        return f"ssh://{self.server.user}@127.0.0.1:{self.server.port}/{app}?{words}"

    def add(self, app: str, *, key: str | None = None, **options) -> Deployment:
        """Registered as somebody does who knows the fingerprint."""
        url = self.url(app)
        known = deployments.host_key(url).line
        key = f"file:{self.server.key_file}" if key is None else key
        return deployments.add(url, key=key, known_hosts=known, **options).deployment

    def sql(self, app: str, sql: str) -> list[tuple]:
        return self.postgres.execute(self.postgres.server.socket_url(app), sql)

    def close(self) -> None:
        self.server.close()

    def _answers(self, stdout: str, stderr: str, status: int) -> None:
        for name, text in (("stdout", stdout), ("stderr", stderr), ("status", str(status))):
            Path(f"{self._docker}.{name}").write_text(text)

    def _role(self) -> None:
        """Dallinger's role in its container may do everything. Other tests may be making it at the same moment."""
        self.postgres.execute(
            self.postgres.server.socket_url(),
            "DO $$ BEGIN CREATE ROLE dallinger SUPERUSER LOGIN PASSWORD 'dallinger';"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$",
        )


@pytest.fixture
def lab(tmp_path, transactional_db, postgres, monkeypatch):
    need(*openssh.PACKAGES, programs=openssh.PROGRAMS)
    # Keys and an agent of whoever runs the tests are not asked.
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    made = Lab(tmp_path / f"lab-{secrets.token_hex(4)}", postgres)
    yield made
    made.close()
