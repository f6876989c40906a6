"""`migrate` makes a new desk in few steps; one that grew with the versions has the same tables, indexes and rights."""

import os
import sqlite3
import subprocess
import sys

import pytest
from django.conf import settings

from tests.budget import NIGHTLY

# Replaced migrations one by one, as a desk of the first version applied them.
STEP_BY_STEP = """
import django
django.setup()
from django.core.management import call_command
from django.db.migrations import executor

class Loader(executor.MigrationLoader):
    def load_disk(self):
        super().load_disk()
        self.disk_migrations = {key: one for key, one in self.disk_migrations.items() if not one.replaces}

executor.MigrationLoader = Loader
call_command("migrate", verbosity=0)
"""
RIGHTS = """
SELECT auth_group.name, content.app_label, permission.codename FROM auth_group
JOIN auth_group_permissions AS given ON given.group_id = auth_group.id
JOIN auth_permission AS permission ON permission.id = given.permission_id
JOIN django_content_type AS content ON content.id = permission.content_type_id
"""
# A face that was made by an earlier version has empty tables of Django's own apps too.
OURS = ("psynetdata_", "exports_")


def structure(path) -> dict:
    with sqlite3.connect(path) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: (
                sorted(column[1:] for column in database.execute(f'PRAGMA table_info("{table}")')),
                sorted(row[2:4] for row in database.execute(f'PRAGMA foreign_key_list("{table}")')),
                sorted(
                    (unique, tuple(column for _, _, column in database.execute(f'PRAGMA index_info("{name}")')))
                    for _, name, unique, _, _ in database.execute(f'PRAGMA index_list("{table}")')
                ),
            )
            for table in tables
            if table.startswith(OURS)
        }


@pytest.mark.skipif(not NIGHTLY, reason="Each migration by itself takes seconds: only with NIGHTLY=1.")
def test_a_new_desk_is_as_one_that_grew(data_dir, tmp_path):
    grown = tmp_path / "grown"
    environment = os.environ | {
        "DATA_DIR": str(grown),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "psynetdata.settings",
    }
    for words in (
        ["-c", STEP_BY_STEP],
        ["manage.py", "migrate", "--verbosity", "0"],
        ["manage.py", "migrate", "--check"],
    ):
        subprocess.run([sys.executable, *words], env=environment, cwd=settings.BASE_DIR, check=True)
    for name in ("site", "identified", "anonymous"):
        assert structure(grown / f"{name}.sqlite3") == structure(data_dir / f"{name}.sqlite3"), name
    rights = []
    for desk in (grown, data_dir):
        with sqlite3.connect(desk / "site.sqlite3") as database:
            rights.append(set(database.execute(RIGHTS)))
    assert rights[0] == rights[1]
