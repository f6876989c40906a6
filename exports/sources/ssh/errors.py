"""Translate the messages of SSH and docker into one sentence about what is wrong."""

import subprocess

from exports.sources.postgres import Refused, Unreachable
from psynetdata.psynet.problems import Problem

from .address import SshServer


class Failed(Exception):
    """A command on the server ended with a status other than 0; `stderr` is what it wrote to stderr."""

    def __init__(self, status: int, stderr: str):
        super().__init__(f"exit status {status}")
        self.status, self.stderr = status, stderr


def not_connected(server: SshServer, stderr: str, key: str) -> Problem:
    """Return why there is no login. `key`: the private key's file, "" for the agent's."""
    folded, place = stderr.lower(), server.place
    if "host identification has changed" in folded:
        return Refused(
            f"{place} shows another host key than the confirmed one, and nothing was sent to it. "
            "Find out why; then confirm the new one with `manage.py deployment add` again."
        )
    if "host key verification failed" in folded or "host key is known" in folded:
        return Refused(
            f"The host key of {place} is not known; confirm its fingerprint with `manage.py deployment add` again."
        )
    if "permission denied" in folded or "too many authentication failures" in folded:
        return Refused(_no_login(server, key))
    for words, sentence in _UNREACHABLE.items():
        if words in folded:
            return Unreachable(f"{place}: {sentence}")
    return Unreachable(f"{place}: the SSH connection ended before the login; check that address and port are right.")


_UNREACHABLE = {
    "could not resolve": "there is no host of that name.",
    "name or service not known": "there is no host of that name.",
    "connection refused": "no SSH server answers there; check that it runs and that the port is right.",
    "timed out": "the host does not answer.",
    "timeout": "the host does not answer.",
    "no route to host": "that host cannot be reached from here.",
    "network is unreachable": "that host cannot be reached from here.",
    "no matching": "its SSH server is too old: it has no method in common with ours.",
}


def _no_login(server: SshServer, key: str) -> str:
    if key and has_passphrase(key):
        return (
            f"The key for {server.place} has a passphrase; add it to an agent that psynetdata can ask (ssh-add, "
            "SSH_AUTH_SOCK), or use a key without one."
        )
    which = "the key that was given" if key else "any key of the agent or of the user that runs psynetdata"
    return (
        f"{server.place} does not accept {which} for the user {server.user}; put its public half into "
        "~/.ssh/authorized_keys there."
    )


def has_passphrase(key: str) -> bool:
    done = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", key], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.returncode != 0 and b"passphrase" in done.stderr


def no_docker(server: SshServer, failed: Failed) -> Problem:
    """Return why docker did not say where the database is."""
    folded, place = failed.stderr.lower(), server.place
    way_out = "or give the database's own host after the address (?host=…)"
    if "permission denied" in folded:
        return Refused(
            f"{place}: the user {server.user} is not allowed to use docker; ask its administrator to add them to the "
            f"group docker, {way_out}."
        )
    if "no such object" in folded or "no such container" in folded:
        return Unreachable(
            f"{place}: there is no container {server.container}, so PsyNet's database does not run there; "
            "name another one after the address (?container=… or ?host=…)."
        )
    if failed.status == 127 or "not found" in folded:
        return Refused(f"{place}: there is no docker for the user {server.user}; install it, {way_out}.")
    if "no space left" in folded:
        return Problem(f"{place}: the disk of the server is full.")
    if "cannot connect to the docker daemon" in folded:
        return Unreachable(f"{place}: docker does not run there; it is tried again later.")
    if failed.status == 255:
        return Unreachable(f"{place}: the SSH connection was cut in the middle.")
    return Unreachable(f"{place}: docker did not say where {server.container} is (exit status {failed.status}).")
