"""A temporary mirror: a SQLite file that is deleted afterwards."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import connections

from psynetdata.models import TYPED_MODELS, MirroredTable, Record


@contextmanager
def scratch() -> Iterator[str]:
    """Return a database alias with empty mirror tables, which can be filled with `refresh` and read like a face."""
    alias = f"scratch-{uuid.uuid4().hex}"
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="scratch-") as folder:
        connections.settings[alias] = {
            **connections.settings["default"],
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(folder) / "mirror.sqlite3"),
            # Never read after a crash, so the order of writes to the disk does not matter.
            "OPTIONS": {"init_command": "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"},
        }
        connection = connections[alias]
        try:
            with connection.schema_editor() as editor:
                for model in (*TYPED_MODELS.values(), Record, MirroredTable):
                    editor.create_model(model)
            yield alias
        finally:
            connection.close()
            del connections[alias]
            del connections.settings[alias]
