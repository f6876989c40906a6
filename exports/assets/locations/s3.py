"""Files of a bucket, through django-storages' S3 backend: its connection, its key names, its credentials.

The backend's file objects are not used: they fetch a whole object before the first byte can be read.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from django.core.exceptions import SuspiciousOperation
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from psynetdata.psynet.csvtext import BLOCK

from .base import FileMissing, LocationGone, Session, Stream, TransferFailed, Unchanged, checked, exactly

_CONNECTIONS = 64  # at most; each worker has one
_DENIED = ("AccessDenied", "403", "Forbidden", "AllAccessDisabled")
_REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed")
_ABSENT = ("NoSuchKey", "404", "NotFound", "NoSuchVersion")


class Bucket:
    """A bucket, shared by all workers of a location: boto3's clients may be shared, and each takes 20 MB of memory.

    `query`: endpoint_url, region_name, addressing_style. `credentials`: KEY:SECRET; None: AWS_* variables.
    """

    def __init__(self, name: str, prefix: str, query: dict[str, str], credentials: str | None, timeout: float):
        key, _, secret = (credentials or "").rpartition(":")
        options = {name: query[name] for name in ("endpoint_url", "region_name") if name in query}
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": query.get("addressing_style", "auto")},
            connect_timeout=timeout,
            read_timeout=timeout,
            max_pool_connections=_CONNECTIONS,
            retries={"total_max_attempts": 1},  # tries are counted in fetch.py, for all locations
            response_checksum_validation="when_required",  # Swift does not send checksums
        )
        own = {"access_key": key, "secret_key": secret} if credentials else {}
        self.name = name
        self.storage = S3Storage(bucket_name=name, location=prefix, client_config=config, **options, **own)
        self._lock = threading.Lock()

    @cached_property
    def _client(self):
        return self.storage.connection.meta.client

    @property
    def client(self):
        with self._lock:  # two threads must not create one at the same time
            return self._client


class S3Session(Session):
    def __init__(self, bucket: Bucket):
        self._bucket = bucket

    @contextmanager
    def open(self, path: str, *, start: int = 0, version: str = "", known: str = "") -> Iterator[Stream]:
        asked = {"IfNoneMatch": known} if known else {}
        start = start if version else 0
        if start:
            asked |= {"Range": f"bytes={start}-", "IfMatch": version}
        try:
            response = self._bucket.client.get_object(Bucket=self._bucket.name, Key=self._key(path), **asked)
        except (ClientError, BotoCoreError, HTTPError, ValueError) as error:
            raise _reason(error) from None
        body, size = response["Body"], response["ContentLength"]
        begins = start if "ContentRange" in response else 0
        try:
            yield Stream(
                exactly(_blocks(body), size),
                begins,
                begins + size,
                response.get("ETag", ""),
                response.get("ContentType", ""),
            )
        finally:
            body.close()

    def list_files(self, path: str) -> list[str] | None:
        prefix = f"{self._key(path)}/"
        try:
            pages = self._bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=prefix
            )
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        except (ClientError, BotoCoreError, HTTPError) as error:
            raise _reason(error) from None
        # A key that ends in a slash is how some clients store an empty folder.
        return sorted(key.removeprefix(prefix) for key in keys if not key.endswith("/")) if keys else None

    def _key(self, path: str) -> str:
        try:
            return self._bucket.storage._normalize_name(checked(path).rstrip("/"))
        except SuspiciousOperation:
            raise FileMissing("its path leads out of the assets' folder") from None


def _blocks(body) -> Iterator[bytes]:
    try:
        yield from body.iter_chunks(BLOCK)
    except (BotoCoreError, HTTPError, OSError):
        raise TransferFailed("the connection broke") from None


def _reason(error: Exception) -> Exception:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return LocationGone("there are no credentials for the assets' bucket (AWS_ACCESS_KEY_ID and the like)")
    if not isinstance(error, ClientError):
        return TransferFailed("the storage of the assets cannot be reached", unreachable=True)
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in ("304", "NotModified"):
        return Unchanged()
    if code in ("412", "PreconditionFailed", "InvalidRange", "416"):
        return TransferFailed("it changed while it was read", restart=True)
    if code == "NoSuchBucket":
        return LocationGone("the bucket of the assets does not exist")
    if code in _REFUSED:
        return LocationGone("the storage of the assets refused our credentials")
    if code in _ABSENT:
        return FileMissing("there is no such file")
    if code in _DENIED:
        return FileMissing("permission to read it was denied")
    return TransferFailed("the storage of the assets answered with an error")
