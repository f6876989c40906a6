"""Addresses of this machine and its network's services, in every form, cannot be used by people who enter them."""

import socket

import pytest

from exports.assets.locations.allowed_addresses import Addresses
from exports.assets.locations.base import FileMissing
from exports.sources import asset_urls, postgres
from psynetdata.infra import local_addresses
from psynetdata.infra.local_addresses import LocalAddress, addresses_of, check_named, is_local
from psynetdata.infra.sftp.connection import Server, connect

LOCAL = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "100.100.100.200", "192.0.0.192", "::1", "::",
    "fe80::1%eth0",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "fec0::1", "64:ff9b:1::1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "fd00:ec2::254",
)  # fmt: skip
NOT_LOCAL = (
    "10.0.0.5",
    "192.168.1.2",
    "172.17.0.2",
    "198.51.100.1",
    "8.8.8.8",
    "2001:db8::1",
    "fd12::1",
    "64:ff9b::808:808",
)


@pytest.fixture(autouse=True)
def checked(settings):
    settings.LOCAL_ADDRESSES = False


@pytest.fixture
def names(monkeypatch):
    """names({"db.lab.org": "127.0.0.1"}): what these names lead to now."""
    real, known = socket.getaddrinfo, {}

    def look_up(host, port, *more, **options):
        return real(known.get(host, host), port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known.update


@pytest.mark.parametrize("address", LOCAL)
def test_local_addresses(address):
    assert is_local(address)
    with pytest.raises(LocalAddress, match="LOCAL_ADDRESSES=1"):
        check_named(address)


@pytest.mark.parametrize("address", NOT_LOCAL)
def test_others(address):
    assert not is_local(address)
    check_named(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "db.localhost", "/var/run/postgresql", "127.1", "2130706433"]
)
def test_names_of_this_machine(host, settings):
    with pytest.raises(LocalAddress):
        check_named(host)
    settings.LOCAL_ADDRESSES = True
    check_named(host)


def test_a_name_that_leads_here(names):
    names({"db.lab.org": "127.0.0.1", "ok.lab.org": "198.51.100.7"})
    for refuse in (check_named, lambda host: addresses_of(host, 5432)):
        with pytest.raises(LocalAddress):
            refuse("db.lab.org")
    check_named("ok.lab.org")
    assert addresses_of("ok.lab.org", 5432) == ["198.51.100.7"]
    check_named("nosuch.invalid")
    # Set on the server: not looked at.
    assert addresses_of("127.0.0.1", 5432) == addresses_of("localhost", 5432) == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (asset_urls.check_named_assets, "file:///srv"),
        (asset_urls.check_named_assets, "s3://bucket/a?endpoint_url=http://127.0.0.1:9000"),
        (asset_urls.check_named_assets, "sftp://me@localhost/folder"),
        (asset_urls.check_named_assets, "https://[::1]/folder"),
        (asset_urls.check_named_url, "postgres://me@%2Fvar%2Frun/exp"),
        (asset_urls.check_named_url, "ssh://me@169.254.169.254/app"),
        (asset_urls.check_named_hosts, "media.invalid, 127.0.0.1:8080"),
    ],
)
def test_each_kind_of_address(check, text):
    with pytest.raises(LocalAddress):
        check(text)


def test_a_name_that_leads_here_later_is_not_connected_to(names):
    names({"db.lab.org": "127.0.0.1"})
    with pytest.raises(LocalAddress):
        postgres.connect(postgres.parse("postgres://me@db.lab.org:1/exp"), name="test")
    with pytest.raises(LocalAddress):
        connect(Server("db.lab.org", 1, "me", "/", "secret", checked=True))
    own = Addresses(own=frozenset([("db.lab.org", 80)]))
    with pytest.raises(FileMissing):
        list(own.resolved("db.lab.org", 80))
    with pytest.raises(postgres.Unreachable, match="name of its server is not known"):
        postgres.connect(postgres.parse("postgres://me@nosuch.invalid/exp"), name="test")


def test_the_connection_goes_to_the_address_that_was_checked(postgres, names, monkeypatch):
    """libpq does not know this name, and reaches the server all the same."""
    from exports.sources.postgres import connected, parse

    monkeypatch.setattr(local_addresses, "is_local", lambda address: False)
    address = parse(postgres.database())
    names({"experiment.invalid": address.host})
    there = parse(address.url.replace(f"@{address.host}", "@experiment.invalid")).with_password(address.password)
    with connected(there, name="test") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
