"""Places as fixtures. SSH servers start in no time; Swift takes seconds and is one for the whole run."""

import hashlib

import pytest

from tests.shared import shared_server

from . import need, ssh, swift
from .web import WebServer


@pytest.fixture
def web():
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def ssh_server():
    need(*ssh.PACKAGES, programs=ssh.PROGRAMS)
    server = ssh.SSHServer()
    yield server
    server.close()


@pytest.fixture
def known_ssh_server(ssh_server, tmp_path, settings, monkeypatch):
    """The server as one whose host key the user knows, and which knows the user's key."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(ssh_server.known_hosts + "\n")
    monkeypatch.setenv("HOME", str(home))
    settings.SSH_KEY = str(ssh_server.key_file)
    return ssh_server


@pytest.fixture(scope="session")
def swift_server(shared_folder):
    need(*swift.PACKAGES, programs=swift.PROGRAMS)
    return shared_server(shared_folder, "swift", swift.Swift)


@pytest.fixture
def bucket(swift_server, request, monkeypatch):
    """A bucket of this test's own; its credentials stand in the environment, as a user would have them."""
    name = f"test-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]}"
    swift_server.client().create_bucket(Bucket=name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", swift.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", swift.SECRET)
    return name
