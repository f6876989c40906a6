"""Where a deployment's assets live, from its URL to a connection."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from exports.sources.asset_urls import check_assets_url, hosts, query
from psynetdata import credentials
from psynetdata.infra.sftp.connection import Server
from psynetdata.models import Deployment

from .allowed_addresses import Addresses, port_of
from .base import Session
from .local_folder import LocalSession
from .s3 import Bucket, S3Session
from .sftp import SFTPSession
from .web import WebSession


@dataclass(frozen=True)
class Place:
    """Opens connections for workers. `place`: to where the assets live, None where nobody said; `web`: to addresses.

    `experiment`: the address of the experiment itself, empty where nobody said.
    """

    place: Callable[[], Session] | None
    web: Callable[[], WebSession]
    experiment: str = field(default="", repr=False)


def of(deployment: Deployment, *, timeout: float = 30.0) -> Place:
    """Raises UsageError where its URL is of no kind that is known, and Problem where a secret cannot be revealed."""
    url, experiment = deployment.assets_url, deployment.experiment_url
    secret = credentials.reveal(deployment.assets_secret)
    own = frozenset(_origin(each) for each in (url, experiment) if each.startswith(("http://", "https://")))
    addresses = Addresses(hosts(deployment.assets_hosts), own)
    opened = opener(url, secret, known_hosts=deployment.assets_known_hosts, addresses=addresses, timeout=timeout)
    return Place(opened, lambda: WebSession("", addresses, timeout=timeout), experiment.rstrip("/"))


def experiment(deployment: Deployment, *, timeout: float = 30.0) -> Place:
    """The running experiment as a place: its routes are paths. Raises Problem where its login cannot be revealed."""
    url, secret = deployment.experiment_url, credentials.reveal(deployment.experiment_secret)
    addresses = Addresses(own=frozenset([_origin(url)]))
    opened = opener(url, secret, known_hosts="", addresses=addresses, timeout=timeout)
    return Place(opened, lambda: WebSession("", addresses, timeout=timeout))


def opener(
    url: str, secret: str | None, *, known_hosts: str, addresses: Addresses, timeout: float
) -> Callable[[], Session] | None:
    """What opens a connection to a place; None for no place."""
    check_assets_url(url)
    parts = urlsplit(url)
    path = unquote(parts.path)
    if not url:
        return None
    if parts.scheme == "file":
        return lambda: LocalSession(Path(path))
    if parts.scheme == "s3":
        bucket = Bucket(parts.netloc, path.strip("/"), query(parts), secret, timeout)
        return lambda: S3Session(bucket)
    if parts.scheme == "sftp":
        user = unquote(parts.username) if parts.username else None
        # A path below the home of the user begins there: servers begin there too.
        root = path.removeprefix("/~/") or "/"
        server = Server(parts.hostname, parts.port or 22, user, root, secret, known_hosts, timeout)
        return lambda: SFTPSession(server)
    return lambda: WebSession(url, addresses, authorization=_authorization(secret), timeout=timeout)


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "", port_of(parts))


def _authorization(secret: str | None) -> str:
    """`user:password` becomes HTTP Basic; a text without a colon is a token."""
    if not secret:
        return ""
    if ":" in secret:
        return f"Basic {base64.b64encode(secret.encode()).decode()}"
    return f"Bearer {secret}"
