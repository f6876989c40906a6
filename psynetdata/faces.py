"""The mirror's two faces: the same models in two sets of tables.

A face is a Django database alias, `identified` or `anonymous`. Subclasses of
`MirrorModel` are stored there; everything else is stored in `default`.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

from django.conf import settings
from django.db import Error, connections
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

IDENTIFIED = "identified"
ANONYMOUS = "anonymous"
_WAIT = 0.2  # seconds between attempts to get the write lock

# By name, because migrations use historical models, which have lost their base class.
MIRROR_MODELS = {"participant", "trial", "asset", "node", "network", "response", "record", "mirroredtable"}
# Known identifiers are stored where the identified rows are, and nowhere else.
IDENTIFIED_MODELS = {"identifierpart", "knownidentifiers"}


def is_mirrored(app_label: str, model_name: str | None) -> bool:
    return app_label == "psynetdata" and (model_name or "").lower() in MIRROR_MODELS


def is_identified(app_label: str, model_name: str | None) -> bool:
    return app_label == "psynetdata" and (model_name or "").lower() in IDENTIFIED_MODELS


class FaceRouter:
    """Mirror models are in a face, which must be named: `.using(face)`; the safe default is anonymous."""

    def db_for_read(self, model, **hints):
        if is_identified(model._meta.app_label, model._meta.model_name):
            return IDENTIFIED
        return ANONYMOUS if is_mirrored(model._meta.app_label, model._meta.model_name) else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if is_identified(app_label, model_name):
            return db == IDENTIFIED
        return is_mirrored(app_label, model_name) == (db in settings.FACES)


@contextmanager
def reading(face: str) -> Iterator[None]:
    """Read one consistent moment of a face with any number of queries; never waits for a load.

    PostgreSQL: a REPEATABLE READ, READ ONLY transaction. SQLite: a deferred transaction, which in
    WAL mode reads the last commit without taking the writer's lock (atomic() would, being IMMEDIATE).
    """
    connection = connections[face]
    postgres = connection.vendor == "postgresql"
    if connection.in_atomic_block or _in_transaction(connection, postgres):
        yield  # inside another `reading`: the same moment
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if postgres else "BEGIN DEFERRED")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
        except Error:
            # Nothing was written. SQLite cannot commit while a traceback still holds an interrupted query.
            connection.close()


def _in_transaction(connection, postgres: bool) -> bool:
    raw = connection.connection
    if raw is None:
        return False
    return raw.info.transaction_status != TRANSACTION_STATUS_IDLE if postgres else raw.in_transaction


@contextmanager
def writing(face: str, *, check_cancelled: Callable[[], None] | None = None) -> Iterator[None]:
    """Allow one writer at a time. SQLite has one per file and would give up after 30 seconds; here a writer waits.

    `check_cancelled` is called while waiting and may raise an exception to stop. On PostgreSQL writers of different
    deployments do not wait for each other; see `only_writer`.
    """
    connection = connections[face]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with open(f"{connection.settings_dict['NAME']}.lock", "w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if check_cancelled:
                    check_cancelled()
                sleep(_WAIT)
        yield


@contextmanager
def only_writer(
    face: str, deployment_number: int, *, check_cancelled: Callable[[], None] | None = None
) -> Iterator[None]:
    """Wait for other transactions that write the deployment's rows in the face. Use it inside a transaction.

    Jobs claim a deployment's mirror, but one that was considered dead may still be running. On SQLite `writing` does
    this for the whole face.
    """
    connection = connections[face]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), %s)", [face, deployment_number])
                if cursor.fetchone()[0]:
                    break
                if check_cancelled:
                    check_cancelled()
                sleep(_WAIT)
    yield
