"""Which addresses may be asked for a file: an address in a row must not lead into our internal network."""

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from .base import FileMissing, TransferFailed

_PORTS = (80, 443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Lead into a network of our own, or contain an IPv4 address in a form that Python's ipaddress does not know. These are
# IPv4-compatible and IPv4-translated addresses, local NAT64 prefixes, and site-local addresses.
_NEVER_PUBLIC = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10")))
_REFUSED = "its address is not one that this deployment allows"


@dataclass(frozen=True)
class Addresses:
    """`listed`: hosts that rows may name (`media.lab.org`, `10.0.0.5:8080`, `*.lab.org`), also internal ones.

    If none are listed, every public address may be asked, on the ports of the web. `own`: (host, port) of addresses
    that the deployment's administrators named; these are always allowed.
    """

    listed: tuple[str, ...] = ()
    own: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def check(self, url: SplitResult) -> None:
        """Raise FileMissing for an address that must not be asked; this does not use the network."""
        if url.scheme not in ("http", "https") or not url.hostname:
            raise FileMissing("its address is not one that files can be fetched from")
        if not (self._is_named(url.hostname, port_of(url)) or (not self.listed and port_of(url) in _PORTS)):
            raise FileMissing(_REFUSED)

    def resolved(self, host: str, port: int) -> Iterator[str]:
        """Yield the host's IP addresses, which the caller must use instead of its name: a second look-up could differ.

        Raises FileMissing at the first one that is not allowed, and TransferFailed if the name is not known.
        """
        named = self._is_named(host, port)
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise TransferFailed("the name of its server is not known", unreachable=True) from None
        for *_, (address, *_) in resolved:
            if not (named or is_public(address)):
                raise FileMissing(_REFUSED)
            yield address

    def _is_named(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return (host, port) in self.own or any(_matches(entry, host, port) for entry in self.listed)


def port_of(url: SplitResult) -> int:
    try:
        return url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        raise FileMissing("its address is not one that files can be fetched from") from None


def is_public(address: str) -> bool:
    """Return whether an IP address is public, also if it is embedded in another one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in _NEVER_PUBLIC):
            return False
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _matches(entry: str, host: str, port: int) -> bool:
    name, _, wanted = _parted(entry)
    if wanted and int(wanted) != port:
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _parted(entry: str) -> tuple[str, str, str]:
    """Split an entry: "[::1]:80" → ("::1", ":", "80")."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, ":", rest.removeprefix(":")
    return entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
