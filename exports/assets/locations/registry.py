"""Where a deployment's assets are: from its URL to a connection."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from exports.sources.asset_urls import check_assets_url, hosts, query
from psynetdata import credentials
from psynetdata.infra.sftp.connection import Server
from psynetdata.models import Deployment

from .allowed_addresses import Addresses, check_endpoint, port_of
from .base import Session
from .local_folder import LocalSession
from .s3 import Bucket, S3Session
from .sftp import SFTPSession
from .web import WebSession


@dataclass(frozen=True)
class AssetLocation:
    """Opens connections for workers. `place`: to the assets' location, None if not known; `web`: to other addresses.

    `experiment`: the address of the experiment itself, empty if not known.
    """

    place: Callable[[], Session] | None
    web: Callable[[], WebSession]
    experiment: str = field(default="", repr=False)


def location_of(deployment: Deployment, *, timeout: float = 30.0) -> AssetLocation:
    """Raises UsageError if its URL is of an unknown kind, and Problem if a secret cannot be read."""
    url, experiment = deployment.assets_url, deployment.experiment_url
    secret = credentials.reveal(deployment.assets_secret)
    own = frozenset(_origin(each) for each in (url, experiment) if each.startswith(("http://", "https://")))
    addresses = Addresses(hosts(deployment.assets_hosts), own)
    opened = opener(url, secret, known_hosts=deployment.assets_known_hosts, addresses=addresses, timeout=timeout)
    return AssetLocation(opened, lambda: WebSession("", addresses, timeout=timeout), experiment.rstrip("/"))


def experiment_location(deployment: Deployment, *, timeout: float = 30.0) -> AssetLocation:
    """Return the running experiment as a location: its routes are paths. Raises Problem if its login cannot be read."""
    url, secret = deployment.experiment_url, credentials.reveal(deployment.experiment_secret)
    addresses = Addresses(own=frozenset([_origin(url)]))
    opened = opener(url, secret, known_hosts="", addresses=addresses, timeout=timeout)
    return AssetLocation(opened, lambda: WebSession("", addresses, timeout=timeout))


def opener(
    url: str, secret: str | None, *, known_hosts: str, addresses: Addresses, timeout: float
) -> Callable[[], Session] | None:
    """Return a function that opens a connection to a location; None if there is none."""
    check_assets_url(url)
    parts = urlsplit(url)
    path = unquote(parts.path)
    if not url:
        return None
    if parts.scheme == "file":
        return lambda: LocalSession(Path(path))
    if parts.scheme == "s3":
        check_endpoint(query(parts).get("endpoint_url", ""))
        bucket = Bucket(parts.netloc, path.strip("/"), query(parts), secret, timeout)
        return lambda: S3Session(bucket)
    if parts.scheme == "sftp":
        user = unquote(parts.username) if parts.username else None
        # A path below the user's home is relative: servers begin there too.
        root = path.removeprefix("/~/") or "/"
        server = Server(parts.hostname, parts.port or 22, user, root, secret, known_hosts, timeout, checked=True)
        return lambda: SFTPSession(server)
    return lambda: WebSession(url, addresses, authorization=_authorization(secret), timeout=timeout)


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "", port_of(parts))


def _authorization(secret: str | None) -> str:
    """Return the header: `user:password` becomes HTTP Basic; a text without a colon is a token."""
    if not secret:
        return ""
    if ":" in secret:
        return f"Basic {base64.b64encode(secret.encode()).decode()}"
    return f"Bearer {secret}"
