"""Host keys: the keys that a server shows, for a person to compare, and the lines in which they are stored."""

import base64
import hashlib
import subprocess
from dataclasses import dataclass

from exports.sources.postgres import Refused
from psynetdata.psynet.problems import UsageError

from . import client, errors
from .address import SshServer, parse

# In the order in which ssh prefers them; a person may have noted any of them.
_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256")


@dataclass(frozen=True)
class SshHostKey:
    """A host key. `line`: as in known_hosts."""

    line: str

    @property
    def host(self) -> str:
        return self.line.split()[0]

    @property
    def kind(self) -> str:
        return self.line.split()[1]

    @property
    def fingerprint(self) -> str:
        """The fingerprint as `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.line.split()[2])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def offered_by(server: SshServer, *, fingerprint: str = "") -> SshHostKey:
    """Return the key that the server shows now; with `fingerprint` the one of its keys that has it.

    Nobody has confirmed it yet, and nothing but a greeting was sent. Raises Unreachable, UsageError for a malformed
    fingerprint, Refused if none of the server's keys has it.
    """
    if not fingerprint:
        return _offered_key(server, "")
    if not fingerprint.startswith("SHA256:") or len(fingerprint.rstrip("=")) != len("SHA256:") + 43:
        raise UsageError("A fingerprint is SHA256: and 43 characters, as ssh-keygen -l shows it.")
    keys = []
    for kind in _KINDS:
        try:
            key = _offered_key(server, kind)
        except _NoSuchKind:
            continue
        if key.fingerprint == fingerprint.rstrip("="):
            return key
        keys.append(f"{key.fingerprint} ({key.kind})")
    shown = " and ".join(keys) or "none that can be checked"
    raise Refused(f"{server.place} has no host key with that fingerprint; it shows {shown}.")


def merged(lines: str, key: str) -> str:
    """Return lines of known_hosts in which `key`, also such a line, replaces its host's earlier keys."""
    host = key.split()[0]
    others = [line for line in lines.splitlines() if line.strip() and host not in line.split()[0].split(",")]
    return "\n".join([*others, key])


def with_source(lines: str, before: str, url: str) -> str:
    """Return the lines plus those in `before` for a source's host, unless the lines already name that host."""
    server = parse(url)
    names = {server.host, f"[{server.host}]:{server.port}"}
    if any(names & set(line.split()[0].split(",")) for line in lines.splitlines() if line.strip()):
        return lines
    own = [line for line in before.splitlines() if line.strip() and names & set(line.split()[0].split(","))]
    return "\n".join([*filter(str.strip, lines.splitlines()), *own])


class _NoSuchKind(Exception):
    pass


def _offered_key(server: SshServer, kinds: str) -> SshHostKey:
    """Get a host key by a login that tries no key, so that a proxy or port in the user's configuration is used too."""
    with client.private_folder() as folder:
        known = folder / "known_hosts"
        own = {"StrictHostKeyChecking": "accept-new", "PreferredAuthentications": "none", "UserKnownHostsFile": known}
        if kinds:
            own["HostKeyAlgorithms"] = kinds
        options = [part for name, value in own.items() for part in ("-o", f"{name}={value}")]
        with (folder / "said").open("wb") as stderr:
            process = client.start(
                ["ssh", *options, *client.options_for(server, ""), "-o", "ControlPath=none", "--", server.host, "true"],
                stderr=stderr,
            )
        with client.ended(process, folder):
            try:
                process.wait(3 * client.CONNECT_TIMEOUT)
            except subprocess.TimeoutExpired:
                raise errors.not_connected(server, "timed out", "") from None
        lines = known.read_text().splitlines() if known.exists() else []
        if lines:
            return SshHostKey(" ".join(lines[-1].split()[:3]))
        output = (folder / "said").read_text(errors="replace")
    if kinds and "no matching host key type" in output.lower():
        raise _NoSuchKind
    raise errors.not_connected(server, output, "")
