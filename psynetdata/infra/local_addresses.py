"""Addresses of this machine, its links and its cloud's metadata: people must not lead the site there from a browser.

Who has a shell on the server, or sets its environment, may use any address. So a name must never lead to such an
address, while the address itself may be stored: forms and the API refuse to store it (check_named). With
LOCAL_ADDRESSES nothing is checked.
"""

import ipaddress
import socket

from django.conf import settings

from psynetdata.psynet.problems import UsageError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Lead into a network of our own, or contain an IPv4 address in a form that Python's ipaddress does not know. These are
# IPv4-compatible and IPv4-translated addresses, local NAT64 prefixes, and site-local addresses.
NEVER_PUBLIC = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")))
# Clouds' metadata services that are not link-local: Amazon (IPv6), Alibaba, Oracle.
_METADATA = tuple(map(ipaddress.ip_network, ("fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.0/24")))


class LocalAddress(UsageError):
    """An address of this machine or of its network's own services."""

    def __init__(self, host: str):
        super().__init__(
            f"{host[:80]} leads to this machine or a service of its network, which cannot be used from here. "
            "Set it on the server with manage.py deployment, or allow it there (LOCAL_ADDRESSES=1)."
        )


class UnknownHost(Exception):
    """The name of a host is not known."""


def check_named(host: str) -> None:
    """Raise LocalAddress if people must not enter this host in a browser, by name or by address."""
    if settings.LOCAL_ADDRESSES:
        return
    if _is_literal(host) and (_parsed(host) is None or is_local(host)):
        raise LocalAddress(host)
    try:
        addresses_of(host, 0)
    except UnknownHost:
        return  # it cannot be connected to either


def addresses_of(host: str, port: int) -> list[str]:
    """Return the IP addresses to connect to, in place of a name that could be looked up differently a second time.

    Empty if nothing has to be checked. Raises LocalAddress if the name leads to a local address, UnknownHost.
    """
    if not may_mislead(host):
        return []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHost(host) from None
    addresses = [str(address) for *_, (address, *_) in found]
    if any(map(is_local, addresses)):
        raise LocalAddress(host)
    return addresses


def may_mislead(host: str) -> bool:
    """Return whether the host is a name that must not lead to a local address."""
    return not (settings.LOCAL_ADDRESSES or _is_literal(host))


def is_local(address: str) -> bool:
    """Return whether an IP address is this machine's, of its link, or a metadata service's, also embedded in another.

    Other private networks are not: databases of a lab are often there.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    hidden = inner(ip)
    if hidden is not None:
        return is_local(str(hidden))
    if any(ip.version == network.version and ip in network for network in (*NEVER_PUBLIC, *_METADATA)):
        return True
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast


def inner(ip: IPAddress) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if Python or a standard says so."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _is_literal(host: str) -> bool:
    """Return whether a host names this machine by itself, or is an IP address; a path is a folder with a socket."""
    folded = host.lower().rstrip(".")
    return host.startswith("/") or folded == "localhost" or folded.endswith(".localhost") or _parsed(host) is not None


def _parsed(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
