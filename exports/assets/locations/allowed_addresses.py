"""Which addresses may be asked for a file: an address in a row must not lead into our internal network."""

import ipaddress
import socket
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from .base import FileMissing, TransferFailed

_PORTS = (80, 443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
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

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to an allowed address of the host. The name is looked up once, so that it cannot change."""
        named = self._is_named(host, port)
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise TransferFailed("the name of its server is not known", unreachable=True) from None
        for family, kind, protocol, _, address in resolved:
            if not (named or is_public(address[0])):
                raise FileMissing(_REFUSED)
            line = socket.socket(family, kind, protocol)
            line.settimeout(timeout)
            try:
                line.connect(address)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return line
            except OSError:
                line.close()
        raise TransferFailed("its server cannot be reached", unreachable=True)

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
