"""Settings from the environment: each with a default for a laptop and an error that says what to write.

The error names the variable, says what is wrong with it and shows an example.
"""

import os
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

# A line for a shell.
NEW_FERNET_KEY = "$(python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"


def read(name: str, default: T, parse: Callable[[str], T], *, example: str) -> T:
    """The variable `name` through `parse`, or `default` where it is unset or empty."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
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
        raise ValueError("it is no port number from 1 to 65535")
    return int(text)


def whole_number(text: str) -> int:
    if not text.isdigit():
        raise ValueError("it is no whole number")
    return int(text)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def folder(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise ValueError("it names a file, not a folder")
    return path


def fernet_key(text: str) -> str:
    try:
        Fernet(text)
    except ValueError:
        raise ValueError("it is no Fernet key, which is 32 bytes in URL-safe base64") from None
    return text


def storage(text: str) -> dict:
    """Django's STORAGES entry for file:///folder, s3://bucket/prefix?endpoint_url=… or sftp://user@host/folder."""
    url = urlsplit(text)
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    if url.password:
        raise ValueError("it holds a password; credentials come from AWS_* variables or an SSH key")
    if url.scheme == "file" and url.path.startswith("/"):
        return local_storage(Path(unquote(url.path)))
    if url.scheme == "s3" and url.netloc:
        options = {"bucket_name": url.netloc, "location": url.path.strip("/"), "file_overwrite": True}
        options |= {key: query[key] for key in ("endpoint_url", "region_name") if key in query}
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    if url.scheme == "sftp" and url.hostname:
        params = {"port": url.port or 22} | ({"username": url.username} if url.username else {})
        options = {"host": url.hostname, "root_path": unquote(url.path), "params": params, "interactive": False}
        return {"BACKEND": "storages.backends.sftpstorage.SFTPStorage", "OPTIONS": options}
    raise ValueError("it is none of file:///folder, s3://bucket/prefix and sftp://user@host/folder")


def local_storage(path: Path) -> dict:
    return {"BACKEND": "psynetdata.storage.AtomicFileSystemStorage", "OPTIONS": {"location": str(path)}}


def kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """A secret made on the first run and kept in a file that only its owner can read.

    It appears with all it holds or not at all, whoever else starts at the same moment.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="ascii") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, path)
    found = path.read_text(encoding="ascii").strip()
    if not found:
        raise ImproperlyConfigured(f"The file {path} is empty; put it back from a backup.")
    return found
