"""Files behind HTTP: servers that break, stall and lie, and addresses that must not be asked."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from exports.assets.locations.allowed_addresses import Addresses, is_public
from exports.assets.locations.base import FileMissing
from exports.sources.asset_urls import hosts
from psynetdata.psynet.problems import UsageError
from tests.certificates import write_certificate

from .conftest import contents, planned
from .servers.web import WebServer

BODY = bytes(range(256)) * 20_000  # 5 MB, several blocks


def external(url: str, **more):
    return planned(None, url=url, **more)


def test_a_broken_connection_is_resumed_where_it_broke(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["break", "break"]
    found = fetched(planned(content=BODY), assets_url=web.url)
    assert (contents(found), found.differs) == ({"": BODY}, "")
    ranges = [wanted for _, wanted in web.asked]
    assert ranges[0] == ""
    assert all(wanted.startswith("bytes=") for wanted in ranges[1:])
    assert web.sent == len(BODY)
    assert fetched.pauses == [1.0, 1.0]


def test_a_fetch_that_makes_progress_is_not_given_up(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = BODY * 8, ["break"] * 5
    assert fetched(planned(content=BODY * 8), assets_url=web.url).files[0].bytes == len(BODY) * 8
    assert fetched.pauses == [1.0] * 5


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["break"]
    new = BODY[::-1]

    def change():
        web.files["/a.wav"] = new

    assert contents(fetched(planned(), check_cancelled=change, assets_url=web.url)) == {"": new}


def test_a_server_that_stalls(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["stall"] * 3
    assert contents(fetched(planned(), timeout=0.2, assets_url=web.url)) == {"": BODY}
    web.moods["/a.wav"] = ["stall"] * 40
    web.files["/a.wav"] = b"never all of it"
    found = fetched(planned(), timeout=0.2, assets_url=web.url)
    assert found.missing == "its server stopped sending; it was tried 4 times"


def test_a_body_that_is_too_short_is_seen_by_its_size_and_fetched_again(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["short"]
    found = fetched(planned(content=BODY), assets_url=web.url)
    assert (contents(found), found.differs) == ({"": BODY}, "")


def test_a_body_that_does_not_end(web, fetched, settings):
    settings.ASSET_MAX_MB = 1
    web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["short"]
    found = fetched(planned(), assets_url=web.url)
    assert "it did not end after 1 MB" in found.missing
    assert contents(fetched(planned(), assets_url=web.url)) == {"": BODY}  # one whose end is known


def test_a_busy_server_gets_the_time_that_it_asks_for(web, fetched):
    web.files["/a.wav"], web.moods["/a.wav"] = b"x", ["busy", "ill"]
    assert fetched(planned(), assets_url=web.url).files
    assert fetched.pauses == [7.0, 7.0]
    web.moods["/a.wav"] = ["busy"] * 9
    assert fetched(planned(), assets_url=web.url).missing == "its server is overloaded or failing; it was tried 4 times"


def test_a_404_page_sent_as_200(web, fetched):
    for claim in ({}, {"content": BODY}):
        web.files["/a.wav"], web.moods["/a.wav"] = BODY, ["page"] * 2
        found = fetched(planned(**claim), assets_url=web.url)
        assert (found.files, found.missing) == ((), "a web page was sent instead")
    # A page that is the file is one.
    page = b"<html>stimulus</html>"
    web.files["/p.html"] = page
    assert fetched(planned("p.html", content=page, export_path="p.html"), assets_url=web.url).files
    assert fetched(planned("p.html", content=page, export_path="p"), assets_url=web.url).files


def test_a_password_goes_to_its_own_host_only(web, fetched, monkeypatch):
    monkeypatch.setenv("WRONG", "me:secret")
    web.files["/x"] = b"x"
    web.moods["/a.wav"] = [f"to {web.url.replace('127.0.0.1', 'localhost')}/x"]
    assert fetched(planned(), assets_url=web.url, assets_secret="env:WRONG", assets_hosts="localhost").files
    assert [bool(each.get("Authorization")) for each in web.headers] == [True, False]


# --- external and on demand ---------------------------------------------------------------


def test_external_assets_come_from_their_own_address(web, fetched):
    web.files["/m/a%20%C3%BC.wav"] = b"sound"
    asset = external(f"{web.url}/m/a ü.wav", content=b"sound")
    assert contents(fetched(asset, assets_hosts="127.0.0.1")) == {"": b"sound"}


def test_on_demand_assets_are_asked_of_the_experiment_with_id_and_secret(web, fetched):
    asset = planned(None, secret="59ffe9fd")
    web.files["/on-demand-asset?id=1&secret=59ffe9fd"] = b"made just now"
    assert contents(fetched(asset, experiment_url=f"{web.url}/")) == {"": b"made just now"}
    assert "the experiment's address is not known" in fetched(asset).missing
    wrong = fetched(planned(None, secret="0000"), experiment_url=web.url)
    assert wrong.missing == "there is no such file"


REFUSED = "its address is not one that this deployment allows"


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f000001", "2130706433", "169.254.169.254", "10.0.0.1",
    "0.0.0.0", "[64:ff9b::7f00:1]",
])  # fmt: skip
def test_internal_addresses_are_not_asked(host, web, fetched):
    web.files["/x"] = b"secret"
    for port in ("", f":{web.server_port}"):
        found = fetched(external(f"http://{host}{port}/x"), timeout=1)
        assert found.files == ()
        assert found.missing == REFUSED
    assert web.asked == []


def test_only_hosts_on_the_list_are_asked_where_there_is_one(web, fetched):
    web.files["/x"] = b"x"
    assert fetched(external("https://8.8.8.8/x"), assets_hosts="127.0.0.1").missing == REFUSED
    assert fetched(external(f"{web.url}/x"), assets_hosts="127.0.0.1:1").missing == REFUSED
    assert fetched(external(f"{web.url}/x"), assets_hosts=f"*.lab.org, 127.0.0.1:{web.server_port}").files


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "file:///etc/passwd", "http:///x", "http://[/x", "http://h:99999/x", "gopher://h"]
)
def test_invalid_addresses(url, fetched):
    assert fetched(external(url)).missing == "its address is not one that files can be fetched from"


def test_each_hop_of_a_redirect_is_checked(web, fetched):
    web.files["/x"] = b"secret"
    web.moods["/a.wav"] = [f"to http://localhost:{web.server_port}/x"]
    assert fetched(planned(), assets_url=web.url).missing == REFUSED
    assert [path for path, _ in web.asked] == ["/a.wav"]
    web.moods["/a.wav"] = ["to /x"]
    assert fetched(planned(), assets_url=web.url).files


def test_circular_redirects(web, fetched):
    web.moods |= {"/a.wav": ["to /b"], "/b": ["to /a.wav"]}
    assert fetched(planned(), assets_url=web.url).missing == "its address redirects in a circle"
    web.moods |= {f"/{n}": [f"to /{n + 1}"] for n in range(20)}
    assert fetched(planned("0"), assets_url=web.url).missing == "its address redirects in a circle"
    assert len(web.asked) < 12


def test_a_name_that_is_looked_up_is_checked_where_it_leads(web, fetched, monkeypatch):
    """`internal.example` is not on the list, and what DNS says of it is an address behind us."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", web.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **more: found)
    assert fetched(external("http://internal.example/x")).missing == REFUSED
    assert web.asked == []


@pytest.fixture
def dns(monkeypatch):
    """{name: the addresses it has, look-up by look-up}; other names are looked up as always."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host, *words, **more):
        addresses = answers[host].pop(0) if host in answers else [host]
        return [each for address in addresses for each in real(address, *words, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


def test_the_checked_address_is_the_one_that_is_asked(web, fetched, dns, monkeypatch):
    """DNS gives another answer after the check, and a proxy would look the name up again: neither matters."""
    web.files["/x"] = b"x"
    dns["media.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    asset = external(f"http://media.example:{web.server_port}/x")
    for _ in range(2):  # the second time on the connection that was kept
        assert contents(fetched(asset, assets_hosts="media.example")) == {"": b"x"}
    assert dns["media.example"] == [["127.0.0.2"]]
    assert {each["Host"] for each in web.headers} == {f"media.example:{web.server_port}"}


def test_a_host_is_asked_at_its_next_address_if_one_cannot_be_reached(web, fetched, dns):
    web.files["/x"] = b"x"
    dns["media.example"] = [["127.0.0.2", "127.0.0.1"]]
    asset = external(f"http://media.example:{web.server_port}/x")
    assert contents(fetched(asset, assets_hosts="media.example")) == {"": b"x"}


def test_a_certificate_is_checked_for_the_name_not_for_the_address(fetched, dns, monkeypatch, tmp_path):
    write_certificate(tmp_path / "server.pem", "media.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    dns |= {"media.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    with closing(WebServer(certificate=tmp_path / "server.pem")) as server:
        server.files["/x"] = b"x"
        media, other = (external(f"https://{name}.example:{server.server_port}/x") for name in ("media", "other"))
        assert contents(fetched(media, assets_hosts="*.example")) == {"": b"x"}
        assert fetched(other, assets_hosts="*.example").missing == "the certificate of its server cannot be trusted"
        assert server.names == ["media.example", "other.example"]
        assert len(server.asked) == 1


def test_no_secret_of_an_address_is_logged(web, fetched, caplog):
    address = "/on-demand-asset?id=1&secret=59ffe9fd"
    web.files[address], web.moods[address] = b"x", ["odd"]
    assert contents(fetched(planned(None, secret="59ffe9fd"), experiment_url=web.url)) == {"": b"x"}
    assert "59ffe9fd" not in caplog.text


@pytest.mark.parametrize("address", [
    "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "fec0::1", "feff::1", "64:ff9b:1::8.8.8.8",
    "64:ff9b:1:ffff::1", "::1", "::", "fe80::1%eth0", "fd00::1", "64:ff9b::10.0.0.1", "::ffff:10.0.0.1",
])  # fmt: skip
def test_an_address_that_hides_another_is_not_public(address):
    assert not is_public(address)


def test_public_addresses_may_be_asked():
    Addresses().check(urlsplit("https://media.lab.org/a.wav"))
    with pytest.raises(FileMissing):
        Addresses().check(urlsplit("https://media.lab.org:8443/a.wav"))
    assert [is_public(ip) for ip in ("8.8.8.8", "2606:4700::1111", "100.64.0.1", "2002:7f00:1::", "224.0.0.1")] == [
        True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["http://x", "a/b", "*", "x:99999", "me@x", "x:y"])
def test_invalid_hosts(text):
    with pytest.raises(UsageError, match=r"media\.lab\.org"):
        hosts(text)
    assert hosts("Media.lab.org, [::1]:80\n*.x.org") == ("media.lab.org", "[::1]:80", "*.x.org")
