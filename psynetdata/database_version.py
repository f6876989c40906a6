"""Whether the site's database was written by a newer version of psynetdata than this one."""

from collections.abc import Iterable
from functools import cache

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from .psynet.problems import Conflict

_OURS = ("psynetdata", "exports")


def check_not_newer() -> None:
    """Raise Conflict if the database has a structure that only a newer version knows.

    An older version would not know what was decided with the newer one, such as who withdrew.
    """
    if unknown := unknown_migrations(applied_migrations()):
        raise Conflict(
            f"The site's database was written by a newer version of psynetdata ({unknown[0]}), so this version does "
            "not touch it. Install the newer version again, or use a backup from before the upgrade."
        )


def applied_migrations() -> list[str]:
    """Return the migrations that the site's database has, as app.name."""
    recorder = MigrationRecorder(connections[DEFAULT_DB_ALIAS])
    if not recorder.has_table():
        return []
    return sorted(f"{app}.{name}" for app, name in recorder.migration_qs.values_list("app", "name"))


def unknown_migrations(names: Iterable[str]) -> list[str]:
    """Return those of our migrations that this version does not have."""
    ours = {name for name in names if name.partition(".")[0] in _OURS}
    return sorted(ours - known_migrations())


@cache
def known_migrations() -> frozenset[str]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    replaced = {f"{app}.{name}" for one in loader.disk_migrations.values() for app, name in one.replaces}
    known = {f"{app}.{name}" for app, name in loader.disk_migrations if app in apps.app_configs}
    return frozenset(known | replaced)
