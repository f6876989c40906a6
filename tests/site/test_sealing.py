"""The master key: made for a new database only; a missing or foreign one stops the start in one sentence."""

import pytest
from cryptography.fernet import Fernet

from psynetdata import credentials, sealing
from psynetdata.models import Deployment, KeyFingerprint, Secret
from psynetdata.psynet.problems import Problem

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]


@pytest.fixture(autouse=True)
def key_file(settings, tmp_path, monkeypatch):
    """A data folder without a key, and a process that has not looked at it."""
    settings.MASTER_KEY, settings.MASTER_KEY_FILE = "", tmp_path / "data" / "master_key"
    monkeypatch.setattr(sealing, "_checked", set())
    return settings.MASTER_KEY_FILE


@pytest.fixture
def restarted(monkeypatch):
    return lambda: monkeypatch.setattr(sealing, "_checked", set())


def test_a_new_database_gets_a_key_and_remembers_its_fingerprint(key_file, restarted):
    key = sealing.master_key()
    assert key_file.read_text() == key
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key not in KeyFingerprint.objects.get().fingerprint
    restarted()
    assert sealing.master_key() == key


def test_a_missing_key_is_not_replaced(key_file, restarted):
    credentials.keep("source 1", "the password")
    key_file.unlink()
    restarted()
    with pytest.raises(Problem, match=r"is missing; restore the file .*master_key from a backup, or set MASTER_KEY"):
        credentials.keep("source 2", "another password")
    assert not key_file.exists()
    assert Secret.objects.count() == 1


def test_a_foreign_key_seals_nothing(key_file, restarted, settings):
    credentials.keep("source 1", "the password")
    restarted()
    settings.MASTER_KEY = Fernet.generate_key().decode()
    with pytest.raises(Problem, match="MASTER_KEY is not the master key with which") as raised:
        sealing.seal_key(b"a pseudonym key")
    assert settings.MASTER_KEY not in str(raised.value)


def test_another_key_is_taken_where_nothing_is_sealed(restarted, settings):
    """As when a desk is rebuilt from its store: it started once, and then got the former desk's key."""
    sealing.master_key()
    settings.MASTER_KEY = Fernet.generate_key().decode()
    restarted()
    assert sealing.master_key() == settings.MASTER_KEY
    restarted()
    assert sealing.master_key() == settings.MASTER_KEY


def test_two_hosts_that_each_brought_a_key(restarted, settings):
    """The first that seals something decides; the other one seals nothing."""
    one, other = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    for key in (one, other):
        settings.MASTER_KEY = key
        sealing.master_key()
    settings.MASTER_KEY = one
    credentials.keep("source 1", "the password")
    settings.MASTER_KEY = other
    with pytest.raises(Problem, match="is not the master key"):
        credentials.keep("source 2", "another password")
    settings.MASTER_KEY = one
    restarted()
    assert credentials.reveal("secret:source 1") == "the password"


@pytest.mark.parametrize("sealed", ["secret", "pseudonym key"])
def test_a_database_from_before_fingerprints(key_file, restarted, sealed):
    if sealed == "secret":
        credentials.keep("source 1", "the password")
    else:
        Deployment.objects.create(deployment_id="zoo", sealed_key=sealing.seal_key(b"a pseudonym key"))
    key = key_file.read_text()
    for wrong in ("", Fernet.generate_key().decode()):
        restarted()
        KeyFingerprint.objects.all().delete()
        key_file.unlink(missing_ok=True)
        if wrong:
            key_file.write_text(wrong)
        with pytest.raises(Problem, match="restore"):
            sealing.master_key()
        assert not KeyFingerprint.objects.exists()
    key_file.write_text(key)
    assert sealing.master_key() == key
    assert KeyFingerprint.objects.count() == 1


def test_a_file_that_holds_no_key(key_file):
    key_file.parent.mkdir()
    key_file.write_text("cut o")
    with pytest.raises(Problem, match="does not hold a key"):
        sealing.master_key()


def test_a_start_without_the_key_is_one_sentence(key_file, restarted, typed):
    sealing.master_key()
    key_file.unlink()
    restarted()
    status, out, err = typed("serve", "--only", "workers")
    assert (status, out) == (1, "")
    assert err.startswith("The master key with which this database's secrets were sealed is missing;")
    assert len(err.splitlines()) == 1


def test_a_sealed_key_opens_with_its_master_only(key_file):
    sealed = sealing.seal_key(bytes(range(32)))
    assert sealing.unseal_key(sealed) == bytes(range(32))
    assert bytes(range(32)).hex() not in sealed
    for text in (sealed[:-4] + "AAAA", "not a token"):
        with pytest.raises(Problem, match="cannot be decrypted"):
            sealing.unseal_key(text)
