"""Addresses of places that assets live in: what may stand in one, and what has to be kept apart from it."""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit

from psynetdata.psynet.problems import UsageError

_QUERY = {"endpoint_url", "region_name", "addressing_style"}
_EXAMPLES = "file:///folder, s3://bucket/prefix?endpoint_url=…, sftp://user@host/folder and https://host/folder"
_ENTRY = re.compile(r"((\*\.)?[\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


def check_assets_url(url: str) -> None:
    """Raise UsageError where this is no place that assets can live in. Empty is none, and right."""
    if url and (reason := _wrong(url)):
        raise UsageError(f"The assets' address cannot be used: {reason}. There are {_EXAMPLES}.")


def without_secret(url: str) -> tuple[str, str | None]:
    """(the address without its password, what opens the place): `sftp://user:password@host/folder`.

    For S3, `s3://KEY:SECRET@bucket/prefix`, and for the web both halves are the secret.
    """
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    place, user = parts.netloc.rpartition("@")[2], parts.username or ""
    if parts.scheme == "sftp":
        return urlunsplit(parts._replace(netloc=f"{user}@{place}")), unquote(parts.password)
    return urlunsplit(parts._replace(netloc=place)), f"{unquote(user)}:{unquote(parts.password)}"


def _wrong(url: str) -> str:
    """Why it is no place, empty where it is one."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it cannot be read"
    if not url.isprintable() or " " in url:
        return "it holds a character that no address has"
    if parts.password is not None:
        return "it holds a password, which belongs apart from it"
    if parts.fragment or (parts.scheme != "s3" and parts.query) or not query(parts).keys() <= _QUERY:
        return "it says more than where the assets live"
    if parts.scheme == "file":
        local = parts.netloc in ("", "localhost") and parts.path.startswith("/")
        return "" if local else "file:// is followed by a folder of this machine, file:///folder"
    if parts.scheme in ("s3", "sftp", "http", "https"):
        return "" if parts.hostname else "it names no host"
    return "it is of no kind that is known"


def query(parts: SplitResult) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}


def check_experiment_url(url: str) -> None:
    """Raise UsageError where this cannot be an experiment's own address. Empty is none, and right."""
    parts = urlsplit(url) if url.isprintable() and "[" not in url else urlsplit("")
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.password or parts.query):
        raise UsageError("The experiment's address is like https://my-experiment.lab.org, without a password in it.")


def check_login(text: str) -> None:
    """Raise UsageError where this is not a user and a password. Empty is none, and right."""
    if text and not (":" in text and text.isprintable()):
        raise UsageError("The experiment's user and password are written like user:password.")


def hosts(text: str) -> tuple[str, ...]:
    """`media.lab.org`, `10.0.0.5:8080`, `*.lab.org`, with commas or white space between. Raises UsageError."""
    found = tuple(text.lower().replace(",", " ").split())
    for entry in found:
        if not _ENTRY.fullmatch(entry) or _port(entry) > 65535:
            raise UsageError("Hosts of external assets are written like media.lab.org, *.lab.org or 10.0.0.5:8080.")
    return found


def _port(entry: str) -> int:
    """0 where it names none."""
    found = re.search(r":(\d+)$", entry)
    return int(found[1]) if found else 0
