"""An S3 bucket as storage, for processes that fork."""

import os
import threading

from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage


@deconstructible
class BucketStorage(S3Storage):
    """django-storages' backend with connections of its own in each process.

    Workers are forked (psynetdata.infra.processes). Over a connection that they share with their parent each could
    get the answer that another one asked for.
    """

    _pid = 0

    @property
    def connection(self):
        self._renew_after_fork()
        return super().connection

    @property
    def bucket(self):
        self._renew_after_fork()
        return super().bucket

    def _renew_after_fork(self) -> None:
        if self._pid != os.getpid():
            self._connections, self._bucket, self._pid = threading.local(), None, os.getpid()
