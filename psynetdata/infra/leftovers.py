"""Deletes files that killed processes left in TEMP_DIR: all other code cleans up after itself."""

import logging
import shutil
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

logger = logging.getLogger(__name__)

KEPT = timedelta(days=1)


def sweep(active_since: datetime | None = None, *, now: datetime | None = None) -> int:
    """Remove what was last touched over a day ago and before `active_since`; return how many files and folders.

    `active_since`: when the oldest job that is not over was created; None: there is no such job.
    """
    now = now or timezone.now()
    before = min(now - KEPT, active_since or now).timestamp()
    swept = 0
    for path in settings.TEMP_DIR.iterdir():
        try:
            if path.lstat().st_mtime >= before:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            swept += 1
        except OSError as error:  # another process was faster, or we are not allowed to delete it
            logger.warning("a leftover in TEMP_DIR could not be removed: %s", error.strerror)
    return swept
