"""Settings from the environment: each has a default for a laptop and an error that explains what to write.

The error names the variable, states what is wrong with it and shows an example.
"""

import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
# What the environment set; a backup keeps it, encrypted.
given: dict[str, str] = {}
LOCAL = "psynetdata.infra.storage.AtomicFileSystemStorage"
SEALED = "psynetdata.infra.sealed.storage.SealedStorage"

# A shell expression.
NEW_FERNET_KEY = "$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"


def read(name: str, default: T, parse: Callable[[str], T], *, example: str) -> T:
    """Return the variable `name`, converted by `parse`, or `default` if it is unset or empty."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    given[name] = text
    try:
        return parse(text)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"The environment variable {name} cannot be used: {error}. Write it like {name}={example}, or unset it."
        ) from None


def boolean(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        raise ValueError("it is neither yes nor no")
    return known[text.lower()]


def port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError("it is not a port number from 1 to 65535")
    return int(text)


def log_format(text: str) -> str:
    if text not in ("plain", "json"):
        raise ValueError("it is neither plain nor json")
    return text


def whole_number(text: str) -> int:
    if not text.isdigit():
        raise ValueError("it is not a whole number")
    return int(text)


def positive_number(text: str) -> int:
    if not whole_number(text):
        raise ValueError("it is 0")
    return int(text)


def rate(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*/(sec|min|hour|day)", text):
        raise ValueError("it is not a number of requests per sec, min, hour or day")
    return text


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def line(text: str) -> str:
    return " ".join(text.split())


def token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("it contains a character that a token cannot have")
    return text


def postgres(text: str) -> str:
    if urlsplit(text).scheme not in ("postgres", "postgresql"):
        raise ValueError("it does not begin with postgres://")
    return text


def web_address(text: str) -> str:
    """Parse a URL with http:// or https://; a slash at its end is removed."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"\s", text):
        raise ValueError("it is not a URL that begins with http:// or https://")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("it contains more than a scheme, a host, a port and a path")
    return text.rstrip("/")


def ping_address(text: str) -> str:
    """Parse a URL that is only requested; it may have a query, and is itself a secret."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or re.search(r"[^!-~]", text):
        raise ValueError("it is not a URL that begins with http:// or https://")
    if url.username or url.password or url.fragment:
        raise ValueError("it contains more than a scheme, a host, a port, a path and a query")
    return text


def address(text: str) -> str:
    """Parse an e-mail address, with or without a name: `me@lab.org`, `The desk <desk@lab.org>`."""
    plain = r"[^@\s,<>]+@[^@\s,<>]+"
    if not re.fullmatch(rf"{plain}|[^@,<>]+<{plain}>", line(text)):
        raise ValueError("it is not an e-mail address")
    return line(text)


def addresses(text: str) -> list[str]:
    return [address(word) for word in words(text)]


def mail_server(text: str) -> dict:
    """Parse smtps://user:password@host (TLS), smtp://user:password@host:587 (STARTTLS), smtp://host (unencrypted).

    Returns {host, port, user, password, tls, starttls}. A password is sent unencrypted only with `?starttls=no`.
    """
    url = urlsplit(text)
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path.strip("/"):
        raise ValueError("it is not smtps://user:password@host, smtp://user:password@host:587 or smtp://host")
    query = parse_qs(url.query, keep_blank_values=True)
    if query.keys() - {"starttls"} or (query and url.scheme == "smtps"):
        raise ValueError("its only parameters may be starttls=yes or starttls=no, and only with smtp://")
    tls = url.scheme == "smtps"
    starttls = boolean(query["starttls"][-1]) if query else bool(url.password) and not tls
    try:
        port = url.port or (465 if tls else 587 if starttls else 25)
    except ValueError:
        raise ValueError("its port is not a number from 1 to 65535") from None
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return {"host": url.hostname, "port": port, "user": user, "password": password, "tls": tls, "starttls": starttls}


def room(text: str) -> dict:
    """Parse `5%`, `2GB`, or both with a comma. Returns {share: 0.05 or None, bytes: 2000000000 or None}."""
    limits = {"share": None, "bytes": None}
    units = {"%": 0.01, "mb": 10**6, "gb": 10**9, "tb": 10**12}
    for word in words(text):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|[mgt]b)", word.lower())
        if not match:
            raise ValueError("it is neither a share like 5% nor a size like 2GB")
        limits["share" if match[2] == "%" else "bytes"] = float(match[1]) * units[match[2]]
    if not words(text):
        raise ValueError("it contains neither a share nor a size")
    return limits


def folder(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise ValueError("it is a file, not a folder")
    return path


def fernet_key(text: str) -> str:
    try:
        Fernet(text)
    except ValueError:
        raise ValueError("it is not a Fernet key, which has 32 bytes in URL-safe base64") from None
    return text


def storage(text: str) -> dict:
    """Return a STORAGES entry for file:///folder, s3://bucket/prefix?endpoint_url=… or sftp://user@host/folder."""
    url = urlsplit(text)
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    if url.password:
        raise ValueError("it contains a password; credentials come from AWS_* variables or an SSH key")
    if url.scheme == "file" and url.path.startswith("/"):
        return local_storage(Path(unquote(url.path)))
    if url.scheme == "s3" and url.netloc:
        options = {"bucket_name": url.netloc, "location": url.path.strip("/"), "file_overwrite": True}
        options |= {key: query[key] for key in ("endpoint_url", "region_name") if key in query}
        return {"BACKEND": "psynetdata.infra.bucket_storage.BucketStorage", "OPTIONS": options}
    if url.scheme == "sftp" and url.hostname:
        user = unquote(url.username) if url.username else None
        options = {"host": url.hostname, "port": url.port or 22, "user": user, "root": unquote(url.path) or "/"}
        return {"BACKEND": "psynetdata.infra.sftp.folder_storage.SFTPFolderStorage", "OPTIONS": options}
    raise ValueError("it is not file:///folder, s3://bucket/prefix or sftp://user@host/folder")


def local_storage(path: Path) -> dict:
    return {"BACKEND": LOCAL, "OPTIONS": {"location": str(path)}}


def storage_keys(text: str) -> list[str]:
    """Parse keys separated by commas or spaces, the newest first."""
    keys = re.split(r"[\s,]+", text.strip())
    for key in keys:
        try:
            fernet_key(key)
        except ValueError:
            raise ValueError("it holds something that is not a key, which is 32 bytes in URL-safe base64") from None
    if len(keys) != len(set(keys)):
        raise ValueError("it holds the same key twice")
    return keys


def sealed(storage: dict, keys: list[str], *, clear: bool = False) -> dict:
    """Return a STORAGES entry that encrypts what it stores in `storage`. `clear`: read clear files there too."""
    return {"BACKEND": SEALED, "OPTIONS": {"backend": storage, "keys": keys, "clear": clear}}


def unsealed(storage: dict) -> dict:
    """Return the STORAGES entry of where the files are: the one below encryption, else itself."""
    return storage["OPTIONS"]["backend"] if storage["BACKEND"] == SEALED else storage


def kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """Return a secret that is created on the first run and stored in a file that only its owner can read.

    The file appears with its complete content or not at all, even if several processes start at the same time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="ascii") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    return stored_secret(path)


def stored_secret(path: Path) -> str:
    """Return the secret in a file; empty if there is no such file."""
    if not path.exists():
        return ""
    secret = path.read_text(encoding="ascii").strip()
    if not secret:
        raise ImproperlyConfigured(f"The file {path} is empty; restore it from a backup.")
    return secret
