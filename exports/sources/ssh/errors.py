"""What can be wrong with an SSH server and with docker on it, from their own words to one sentence of ours."""

import subprocess

from exports.sources.postgres import Refused, Unreachable
from psynetdata.psynet.problems import Problem

from .address import Server


class Failed(Exception):
    """A command on the server ended with another status than 0; `said` is what it wrote to stderr."""

    def __init__(self, status: int, said: str):
        super().__init__(f"exit status {status}")
        self.status, self.said = status, said


def not_connected(server: Server, said: str, key: str) -> Problem:
    """Why there is no login. `key`: the private key's file, "" for the agent's."""
    folded, place = said.lower(), server.place
    if "host identification has changed" in folded:
        return Refused(
            f"{place} shows another host key than the one that was confirmed, and nothing was sent to it. "
            "Make sure why; then confirm the new one with `manage.py deployment add` again."
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
    return Unreachable(f"{place}: the SSH connection ended before the login; see that its address and port are right.")


_UNREACHABLE = {
    "could not resolve": "there is no host of that name.",
    "name or service not known": "there is no host of that name.",
    "connection refused": "no SSH server answers there; see that it runs and that the port is right.",
    "timed out": "the host does not answer.",
    "timeout": "the host does not answer.",
    "no route to host": "there is no way to that host from here.",
    "network is unreachable": "there is no way to that host from here.",
    "no matching": "its SSH server and ours have no method in common; it is too old.",
}


def _no_login(server: Server, key: str) -> str:
    if key and has_passphrase(key):
        return (
            f"The key for {server.place} has a passphrase; add it to an agent that psynetdata can ask (ssh-add, "
            "SSH_AUTH_SOCK), or use a key without one."
        )
    which = "the key that was given" if key else "any key of the agent or of the user that runs psynetdata"
    return (
        f"{server.place} does not take {which} for the user {server.user}; put its public half into "
        "~/.ssh/authorized_keys there."
    )


def has_passphrase(key: str) -> bool:
    done = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", key], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.returncode != 0 and b"passphrase" in done.stderr


def no_docker(server: Server, failed: Failed) -> Problem:
    """Why docker did not say where the database is."""
    folded, place = failed.said.lower(), server.place
    way_out = "or name the database's own host after the address (?host=…)"
    if "permission denied" in folded:
        return Refused(
            f"{place}: the user {server.user} may not ask docker; let its administrator add them to the group docker, "
            f"{way_out}."
        )
    if "no such object" in folded or "no such container" in folded:
        return Unreachable(
            f"{place}: there is no container {server.container}, so no database of PsyNet's runs there; "
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
