"""Snapshots of an experiment on a lab's server: OpenSSH's own client and server, and a PostgreSQL behind them."""

import html
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from exports.assets import background_fetch
from exports.capture import snapshot_schedule
from exports.capture.take import take
from exports.models import Snapshot
from exports.operations import deployments
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from exports.sources.postgres import Refused, Unreachable, parse
from exports.sources.read_transaction import ReadTransaction
from exports.store.reader import SnapshotReader
from psynetdata import credentials, jobs
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import BadInput, Problem, UsageError
from tests.assets.servers.ports import children
from tests.ssh import conftest as docker

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def left() -> list[str]:
    """The programs that this process has running for a tunnel."""
    found = []
    for pid in children(os.getpid()):
        with suppress(FileNotFoundError):  # ended by now
            found.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return [name for name in found if name in ("ssh", "sh", "cat")]


def test_a_capture_and_what_is_left_of_it(lab, settings):
    app = lab.app()
    running = lab.add(app)
    assert (running.source, running.app, running.every) == ("ssh", app, 60)
    taken = take(running)
    assert (taken.snapshot.state, taken.snapshot.rows_of("participant")) == ("good", 15)
    assert taken.snapshot.rows_of("info") == lab.sql(app, "SELECT count(*) FROM info")[0][0]
    lab.sql(app, "UPDATE participant SET failed_reason = 'left' WHERE id = 1")
    again = take(running)
    assert again.read == 1
    assert "left" in next(SnapshotReader(again.snapshot).rows("participant"))
    assert left() == []
    assert [path for path in Path(settings.TEMP_DIR).iterdir() if path.name.startswith("ssh-")] == []


def test_a_tunnel_that_is_killed_in_a_copy(lab, monkeypatch):
    """The snapshot fails in one sentence, nothing of it is kept, and the next one is as if nothing had been."""
    app = lab.app()
    running = lab.add(app)
    copy, cut = ReadTransaction.copy, []

    def copied(self, select, out, **options):
        if not cut:
            cut.append(lab.server.stop())
        return copy(self, select, out, **options)

    monkeypatch.setattr(ReadTransaction, "copy", copied)
    job = jobs.prepare(snapshot_schedule.KIND, deployment=running)
    jobs.run(job.pk)
    job.refresh_from_db()
    place = f"{app} on 127.0.0.1:{lab.server.port}"
    assert (job.state, job.reason) == ("failed", f"{place}: the SSH connection was cut in the middle.")
    assert not Snapshot.objects.exists()
    with pytest.raises(Unreachable, match="no SSH server answers there"):
        take(running)
    lab.server.start()
    Deployment.objects.update(due_at=None)
    (next_one,) = snapshot_schedule.send_due()
    jobs.run(next_one.pk)
    next_one.refresh_from_db()
    assert (next_one.state, Snapshot.objects.get().state) == ("done", "good")
    assert left() == []


def test_a_process_that_is_killed_leaves_no_tunnel(lab, tmp_path):
    """Not even kill -9 leaves a login behind."""
    script = (
        "import sys, django; django.setup()\n"
        "from exports.sources.base import Access\nfrom exports.sources.ssh.client import connected\n"
        "from exports.sources.ssh.address import parse\n"
        "with connected(parse(sys.argv[1]), Access(None, sys.argv[2], sys.argv[3])) as line:\n"
        "    print(line._process.pid, line.folder, flush=True)\n    sys.stdin.read()\n"
    )
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data"), "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
    arguments = [lab.url("app"), f"file:{lab.server.key_file}", lab.server.known_hosts]
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parents[2],
    ) as process:  # fmt: skip
        pid, folder = process.stdout.readline().split()
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        process.kill()
        process.wait()
    for _ in range(3000):
        if not Path(f"/proc/{pid}").exists() and not Path(folder).exists():
            break
        os.sched_yield()
        subprocess.run(["true"], check=True)
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(folder).exists()


def test_what_docker_may_say(lab):
    for how, kind, words in (
        (
            docker.NO_RIGHTS,
            Refused,
            "is not allowed to use docker; ask its administrator to add them to the group docker",
        ),
        (docker.NO_CONTAINER, Unreachable, "there is no container dallinger-postgresql-1"),
        (docker.NO_DAEMON, Unreachable, "docker does not run there"),
        (docker.FULL, Problem, "the disk of the server is full"),
        (docker.NO_PROGRAM, Refused, "there is no docker for the user"),
        ({"running": False}, Unreachable, "does not run; it is tried again later"),
        ({"address": ""}, Unreachable, "does not run; it is tried again later"),
        ({"address": "127.0.0.9"}, Unreachable, "no PostgreSQL answers there"),
    ):
        lab.docker_fails(*how) if isinstance(how, tuple) else lab.runs(**how)
        with pytest.raises(kind, match=words):
            lab.add("some-app")
    lab.runs()
    lab.server.stop()
    lab.server.more = "AllowTcpForwarding no\n"
    lab.server.start()
    with pytest.raises(Unreachable, match="does not forward ports; ask its administrator to allow it"):
        lab.add("some-app")
    assert not Deployment.objects.exists()
    assert left() == []


def test_apps_that_are_not_there(lab):
    app, other = lab.app(), lab.app("timeline")
    with pytest.raises(Unreachable, match=f"no app or database called nobodys-app; it has .*{app}") as caught:
        lab.add("nobodys-app")
    assert other in caught.value.sentence
    with pytest.raises(BadInput, match=f"does not name an app of 127.0.0.1:{lab.server.port}; it has .*{app}"):
        lab.add("")
    for wrong in ("ssh://-oProxyCommand=x@host/app", "ssh://user@-host/app", "ssh://user@host/a..b", "ssh://host/app",
                  "ssh://user@host/a/b", "ssh://user@host/app?x=1", "ssh://user:S3cr3t@host/app"):  # fmt: skip
        with pytest.raises(BadInput) as caught:
            deployments.host_key(wrong)
        assert "S3cr3t" not in caught.value.sentence


def test_a_host_key_that_nobody_confirmed_or_that_changed(lab):
    running = lab.add(lab.app())
    known = running.assets_known_hosts
    assert known == lab.server.known_hosts
    running.assets_known_hosts = ""
    with pytest.raises(Refused, match="is not known; confirm its fingerprint"):
        take(running)
    lab.server.change_host_key()
    running.assets_known_hosts = known
    with pytest.raises(Refused, match="shows another host key than the confirmed one"):
        take(running)
    assert not Snapshot.objects.exists()
    again = lab.add(running.app)
    assert again.assets_known_hosts == lab.server.known_hosts != known
    assert take(again).snapshot.state == "good"


def test_keys(lab, monkeypatch, tmp_path):
    app = lab.app()
    monkeypatch.setenv("LAB_KEY", lab.server.key)
    running = lab.add(app, key="env:LAB_KEY")
    assert (running.source_key, running.assets_secret) == ("env:LAB_KEY", "env:LAB_KEY")
    place = lab.server.url(tmp_path)
    for url, secret in ((place, "env:LAB_KEY"), ("https://files.lab.org/", "")):
        assert lab.add(app, key="env:LAB_KEY", assets=url).assets_secret == secret
    # Also if the location is given later, for the same server.
    for url, secret in ((place, "env:LAB_KEY"), (place.replace("127.0.0.1", "elsewhere"), "")):
        set_asset_location(running, AssetLocationSettings(url=url))
        assert running.assets_secret == secret
    stranger = lab.server._keygen("stranger")
    with pytest.raises(Refused, match="does not accept the key that was given for the user"):
        lab.add(app, key=f"file:{stranger}")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Refused, match="any key of the agent"):
        lab.add(app, key="")
    with pytest.raises(Problem, match="does not contain a private key"):
        deployments.key_reference(file="/etc/hostname")
    with pytest.raises(UsageError, match="Give the name of a file") as caught:
        deployments.key_reference(file=lab.server.key)
    assert lab.server.key[40:80] not in caught.value.sentence
    with pytest.raises(UsageError, match="one private key"):
        deployments.key_reference(file="/a", variable="B")


def test_a_key_with_a_passphrase_and_an_agent(lab, monkeypatch):
    app = lab.app()
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", lab.server.key_file], check=True)
    with pytest.raises(Refused, match="has a passphrase; add it to an agent"):
        lab.add(app)
    agent = lab.server.folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", agent], stdout=subprocess.DEVNULL)
    try:
        ask = lab.server.folder / "ask"
        ask.write_text("#!/bin/sh\necho open sesame\n")
        ask.chmod(0o700)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        with monkeypatch.context() as asked:
            asked.setenv("SSH_ASKPASS", str(ask))
            asked.setenv("SSH_ASKPASS_REQUIRE", "force")
            add = ["ssh-add", "-q", lab.server.key_file]
            while subprocess.run(add, check=False, stderr=subprocess.DEVNULL).returncode:
                assert process.poll() is None
        assert take(lab.add(app)).snapshot.state == "good"
    finally:
        process.terminate()
        process.wait()


def test_a_database_by_hand(lab):
    """Docker is not asked; role and password are another's, and the app goes by another name."""
    lab.docker_fails(*docker.NO_RIGHTS)
    address = parse(lab.postgres.role(lab.postgres.database(), "SELECT ON ALL TABLES IN SCHEMA public"))
    url = lab.url("dlgr-1a2b3c4d", host="127.0.0.1", database=address.database, role=address.user)
    known, key = deployments.host_key(url).line, f"file:{lab.server.key_file}"
    with pytest.raises(Refused, match=r"dlgr-1a2b3c4d on 127\.0\.0\.1.*the password of the role"):
        deployments.add(url, key=key, known_hosts=known)
    running = deployments.add(url, key=key, known_hosts=known, password=address.password).deployment
    assert (running.app, credentials.reveal(running.source_secret)) == ("dlgr-1a2b3c4d", address.password)
    assert address.password not in running.source_url
    assert take(running).snapshot.state == "good"


def test_restore_goes_through_the_tunnel(lab, typed):
    running = lab.add(lab.app())
    snapshot = take(running).snapshot
    empty = lab.postgres.database(rows=False).rpartition("/")[2]
    status, out, err = typed("restore", snapshot.pk, "--database", lab.url(empty))
    assert (status, err) == (0, "")
    assert f"is in {empty} on 127.0.0.1" in out
    assert lab.sql(empty, "SELECT count(*) FROM participant") == [(15,)]
    assert left() == []


def test_its_assets_are_fetched_from_the_users_home(lab):
    app = lab.app("static_audio")
    ((path,),) = lab.sql(app, "SELECT host_path FROM asset WHERE host_path IS NOT NULL ORDER BY id LIMIT 1")
    file = lab.home / "psynet-data" / "assets" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"sound")
    running = lab.add(app)
    user, port = lab.server.user, lab.server.port
    assert deployments.connect(running).rows["participant"] > 0
    assert running.assets_url == f"sftp://{user}@127.0.0.1:{port}/~/psynet-data/assets"
    take(running)
    job = jobs.run_here(background_fetch.KIND, options={"whole": True}, deployment=running)
    assert job.result["fetched"] == 1


def test_what_is_typed(lab, typed):
    app = lab.app()
    url, key = lab.url(app), lab.server.key_file
    status, out, err = typed("deployment", "add", url, "--key", key)
    assert status == 2
    fingerprint = deployments.host_key(url).fingerprint
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", lab.server._host_key], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert fingerprint in listed
    assert fingerprint in err
    assert not Deployment.objects.exists()
    wrong = f"SHA256:{'A' * 43}"
    status, out, err = typed("deployment", "add", url, "--key", key, "--fingerprint", wrong)
    assert status == 1
    assert "has no host key with that fingerprint; it shows" in err
    status, out, err = typed("deployment", "add", url, "--key", key, "--fingerprint", fingerprint)
    assert (status, err) == (0, "")
    assert f"sftp://{lab.server.user}@127.0.0.1" in out
    assert "it is the one that PsyNet's servers have" in out
    assert f"ssh {app} on 127.0.0.1" in typed("deployment", "list")[1]
    for verb, word in (("pause", "paused"), ("resume", "watched again"), ("archive", "archived")):
        assert typed("deployment", verb)[1].endswith(f"is {word}.\n")


def test_the_admins_page_asks_for_the_fingerprint_first(lab, admin_client):
    form, found = "/admin/psynetdata/deployment/add/", "/admin/psynetdata/deployment/add/found/"
    app = lab.app()
    sent = {"url": lab.url(app), "key": str(lab.server.key_file), "every": "60"}
    pasted = admin_client.post(form, sent | {"key": "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"}).content.decode()
    assert "c2VjcmV0" not in pasted
    shown = admin_client.post(form, sent).content.decode()
    key = deployments.host_key(lab.url(app))
    assert f"The server shows {key.fingerprint} (ssh-ed25519)" in html.unescape(shown)
    other = f"SHA256:{'A' * 43}"
    shown = admin_client.post(form, sent | {"fingerprint": other}).content.decode()
    assert "has no host key with that fingerprint" in shown
    assert admin_client.post(form, sent | {"fingerprint": key.fingerprint}).url == found
    assert "it is the one that PsyNet&#x27;s servers have" in admin_client.get(found).content.decode()
    assert admin_client.post(found).status_code == 302
    assert Audit.objects.get(verb="add").details["host_key"] == key.fingerprint
    running = Deployment.objects.get()
    assert (running.source, running.assets_known_hosts) == ("ssh", key.line)
    assert take(running).snapshot.state == "good"


def test_apps_of_one_name_on_two_servers(typed, transactional_db):
    for host in ("one.lab.org", "two.lab.org"):
        Deployment.objects.create(deployment_id=f"at {host}", source="ssh", source_url=f"ssh://psynet@{host}/my-app")
    asked = ("export", "ssh", "--app", "my-app")
    assert "--server or --deployment" in typed(*asked)[2]
    assert "at two.lab.org has no good snapshot" in typed(*asked, "--server", "two.lab.org")[2]
    assert "at one.lab.org has no good snapshot" in typed("export", "--server", "ONE.lab.org")[2]
    assert "on a server called 'three'" in typed(*asked, "--server", "three")[2]
