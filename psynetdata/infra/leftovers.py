"""Deletes files that killed processes left in TEMP_DIR: all other code cleans up after itself."""

import logging
import shutil
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from psynetdata.models import Job

logger = logging.getLogger(__name__)

KEPT = timedelta(days=1)


def sweep(now: datetime | None = None) -> int:
    """Delete files and folders that were last changed over a day ago and before the oldest unfinished job.

    Returns their number.
    """
    now = now or timezone.now()
    active = Job.objects.filter(state__in=Job.ACTIVE)
    oldest = active.aggregate(oldest=Min("created_at"))["oldest"] or now
    before = min(now - KEPT, oldest).timestamp()
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
