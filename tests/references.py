"""The reference databases as a user loads them: loaded and mirrored once a process, then copied."""

import shutil
from pathlib import Path

from tests.site_databases import Copy, SiteDatabases

DATA = Path(__file__).parent / "data"
REFERENCES = ("static", "static_audio", "timeline", "custom_table_simple")


class LoadedReferences:
    """Loads `tests/data/<name>/database.zip`; into an empty site by a copy of what the first load made."""

    def __init__(self, databases: SiteDatabases, folder: Path):
        self._databases = databases
        self._folder = folder
        self._copies: dict[str, tuple[int, Copy, Path]] = {}

    def load(self, name: str, storage: Path):
        """The Deployment. `storage` is the folder that holds the site's files."""
        from django.core.files.storage import default_storage

        from psynetdata.models import Deployment, Job
        from tests.mirrored import load

        usual = getattr(default_storage, "location", None) == str(storage) and not storage.exists()
        untouched = usual and not Deployment.objects.exists() and not Job.objects.exists()
        if untouched and name in self._copies:
            number, rows, files = self._copies[name]
            if self._databases.fill(rows):
                shutil.copytree(files, storage)
                return Deployment.objects.get(number=number)
        before = self._databases.copy() if untouched and name not in self._copies else None
        deployment = load(DATA / name / "database.zip").deployment
        if before is not None and not any(before.values()):
            files = self._folder / f"loaded-{name}"
            shutil.copytree(storage, files)
            self._copies[name] = (deployment.number, self._databases.copy(), files)
        return deployment
