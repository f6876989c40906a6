"""The rows of the site's database as lines of JSON, and back, on SQLite and PostgreSQL alike."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.apps import apps
from django.core import serializers
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, models, router, transaction

from exports.store.manifests import to_json
from psynetdata.psynet.problems import BadInput

# What each start or sign-in makes again: queued tasks, signs of life, sessions, failures; and what `migrate` makes.
_LEFT_OUT = {
    "django_q", "sessions", "contenttypes", "auth.permission", "psynetdata.beat", "psynetdata.signinfailures",
}  # fmt: skip
_TOGETHER = 500
_READING = "scratch-backup"  # alias of a second connection to the site's database


def site_models() -> list[type[models.Model]]:
    """Return the models whose rows are backed up, in a fixed order."""
    chosen = [
        model
        for model in apps.get_models()
        if router.allow_migrate_model(DEFAULT_DB_ALIAS, model)
        and model._meta.managed
        and not {model._meta.app_label, model._meta.label_lower} & _LEFT_OUT
    ]
    return sorted(chosen, key=lambda model: model._meta.label_lower)


def write(file: BinaryIO) -> dict[str, int]:
    """Write all rows, of one moment, one line each. Return {model: rows}. Memory: a few hundred rows."""
    counts: Counter[str] = Counter()
    with _one_moment() as alias:
        for model in site_models():
            counts[model._meta.label_lower] = 0
            rows = model._base_manager.using(alias).order_by("pk").iterator(_TOGETHER)
            while some := list(_some(rows)):
                for row in serializers.serialize("python", some, use_natural_foreign_keys=True):
                    file.write(to_json(row) + b"\n")
                counts[model._meta.label_lower] += len(some)
    return dict(counts)


def replace_all(lines: Iterable[bytes]) -> dict[str, int]:
    """Replace all rows of the site's database by those of `write`, in one transaction. Return {model: rows}.

    Raises BadInput if a line is not a row of this version's models.
    """
    counts: Counter[str] = Counter({model._meta.label_lower: 0 for model in site_models()})
    with transaction.atomic():
        _delete_all()
        for row in _rows(lines):
            row.save()
            counts[row.object._meta.label_lower] += 1
        _reset_sequences()
    return dict(counts)


def _rows(lines: Iterable[bytes]) -> Iterator:
    for number, line in enumerate(lines, 1):
        try:
            yield from serializers.deserialize("python", [json.loads(line)])
        except (ValueError, KeyError, TypeError, serializers.base.DeserializationError):
            raise BadInput(f"Line {number} of the backup's site.jsonl is not a row that this version knows.") from None


def _some(rows: Iterator[models.Model]) -> Iterator[models.Model]:
    for _, row in zip(range(_TOGETHER), rows, strict=False):
        yield row


@contextmanager
def _one_moment() -> Iterator[str]:
    """Yield the alias of a connection whose queries all see one moment, and that keeps no writer waiting."""
    described = connections[DEFAULT_DB_ALIAS].settings_dict
    options = dict(described["OPTIONS"])
    if connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        options["transaction_mode"] = "DEFERRED"
    connections.databases[_READING] = {**described, "OPTIONS": options}
    try:
        with transaction.atomic(using=_READING):
            if connections[_READING].vendor == "postgresql":
                with connections[_READING].cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield _READING
    finally:
        connections[_READING].close()
        del connections[_READING], connections.databases[_READING]


def _delete_all() -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        for model in site_models():
            tables = [model, *(field.remote_field.through for field in model._meta.local_many_to_many)]
            for table in tables:
                cursor.execute(f"DELETE FROM {connections[DEFAULT_DB_ALIAS].ops.quote_name(table._meta.db_table)}")


def _reset_sequences() -> None:
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), site_models()):
            cursor.execute(statement)
