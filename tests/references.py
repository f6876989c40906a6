"""The reference databases as a user loads them, and what else many tests begin with: made once, then copied."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.site_databases import Copy, SiteDatabases

DATA = Path(__file__).parent / "data"
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")


class Beginnings:
    """What a site and its storage hold after `make`; on an empty site a copy of what the first call left."""

    def __init__(self, databases: SiteDatabases, folder: Path):
        self._databases = databases
        self._folder = folder
        self._copies: dict[str, tuple[object, Copy, Path]] = {}

    def begin(self, name: str, make: Callable[[], object], storage: Path):
        """Return what the first `make` returned. `storage` is the folder that holds the site's files."""
        from django.core.files.storage import default_storage

        from psynetdata.models import Deployment, Job

        usual = getattr(default_storage, "location", None) == str(storage) and not storage.exists()
        untouched = usual and not Deployment.objects.exists() and not Job.objects.exists()
        if untouched and name in self._copies:
            made, rows, files = self._copies[name]
            if self._databases.fill(rows):
                shutil.copytree(files, storage)
                return made
        before = self._databases.copy() if untouched and name not in self._copies else None
        made = make()
        if before is not None and not any(before.values()):
            files = self._folder / f"begun-{name}"
            shutil.copytree(storage, files)
            self._copies[name] = (made, self._databases.copy(), files)
        return made

    def load(self, name: str, storage: Path):
        """The Deployment of `tests/data/<name>/database.zip`, loaded and mirrored."""
        from psynetdata.models import Deployment
        from tests.mirrored import load

        number = self.begin(name, lambda: load(DATA / name / "database.zip").deployment.number, storage)
        return Deployment.objects.get(number=number)
