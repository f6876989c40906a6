"""Addresses of asset locations: what may be in one, and the secret that has to be kept apart from it."""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit, urlunsplit

from psynetdata.infra.local_addresses import check_named
from psynetdata.psynet.problems import UsageError

_QUERY = {"endpoint_url", "region_name", "addressing_style"}
_EXAMPLES = "file:///folder, s3://bucket/prefix?endpoint_url=…, sftp://user@host/folder and https://host/folder"
_ENTRY = re.compile(r"((\*\.)?[\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


def check_assets_url(url: str) -> None:
    """Raise UsageError if this cannot be a location of assets. An empty text means none and is accepted."""
    if url and (reason := _wrong(url)):
        raise UsageError(f"The assets' address cannot be used: {reason}. Possible are {_EXAMPLES}.")


def check_named_assets(url: str) -> None:
    """Raise LocalAddress if people must not enter this location in a browser: a folder of this server, or its hosts."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        check_named(parts.path)
    elif parts.scheme == "s3":
        check_named_url(query(parts).get("endpoint_url", ""))
    else:
        check_named_url(url)


def check_named_url(url: str) -> None:
    """Raise LocalAddress if people must not enter this address in a browser."""
    if host := urlsplit(url).hostname:
        check_named(unquote(host))


def check_named_hosts(text: str) -> None:
    """Raise LocalAddress if one of these hosts must not be entered in a browser, UsageError if it cannot be read."""
    for entry in hosts(text):
        check_named_url(f"//{entry.removeprefix('*.')}")


def without_secret(url: str) -> tuple[str, str | None]:
    """Return (the address without its password, the secret): `sftp://user:password@host/folder`.

    For S3, `s3://KEY:SECRET@bucket/prefix`, and for the web, user and password together are the secret.
    """
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    place, user = parts.netloc.rpartition("@")[2], parts.username or ""
    if parts.scheme == "sftp":
        return urlunsplit(parts._replace(netloc=f"{user}@{place}")), unquote(parts.password)
    return urlunsplit(parts._replace(netloc=place)), f"{unquote(user)}:{unquote(parts.password)}"


def _wrong(url: str) -> str:
    """Return why it is not a valid location, or "" if it is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "it cannot be read"
    if not url.isprintable() or " " in url:
        return "it holds a character that is not allowed in addresses"
    if parts.password is not None:
        return "it holds a password, which must be given separately"
    if parts.fragment or (parts.scheme != "s3" and parts.query) or not query(parts).keys() <= _QUERY:
        return "it says more than where the assets are"
    if parts.scheme == "file":
        local = parts.netloc in ("", "localhost") and parts.path.startswith("/")
        return "" if local else "file:// must be followed by a folder of this machine, as in file:///folder"
    if parts.scheme in ("s3", "sftp", "http", "https"):
        return "" if parts.hostname else "it names no host"
    return "its kind is not known"


def query(parts: SplitResult) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}


def check_experiment_url(url: str) -> None:
    """Raise UsageError if this cannot be an experiment's own address. An empty text means none and is accepted."""
    parts = urlsplit(url) if url.isprintable() and "[" not in url else urlsplit("")
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.password or parts.query):
        raise UsageError("Write the experiment's address like https://my-experiment.lab.org, without a password in it.")


def check_login(text: str) -> None:
    """Raise UsageError if this is not a user and a password. An empty text means none and is accepted."""
    if text and not (":" in text and text.isprintable()):
        raise UsageError("Write the experiment's user and password like user:password.")


def hosts(text: str) -> tuple[str, ...]:
    """Split `media.lab.org`, `10.0.0.5:8080`, `*.lab.org` at commas or white space. Raises UsageError."""
    names = tuple(text.lower().replace(",", " ").split())
    for entry in names:
        if not _ENTRY.fullmatch(entry) or _port(entry) > 65535:
            raise UsageError("Write hosts of external assets like media.lab.org, *.lab.org or 10.0.0.5:8080.")
    return names


def _port(entry: str) -> int:
    """Return the port of an entry, 0 if it has none."""
    match = re.search(r":(\d+)$", entry)
    return int(match[1]) if match else 0
