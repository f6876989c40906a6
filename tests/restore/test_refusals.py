"""What a restore refuses: in one sentence without a value, and with not one row changed."""

import os
import signal

import pytest

from exports.restore import restore as verb
from exports.restore.restore import restore
from exports.sources.postgres import Refused, Unreachable, parse
from exports.store.blobs import file_of
from exports.store.reader import SnapshotReader
from psynetdata.management.cli import Interrupted
from psynetdata.psynet.problems import BadInput, Conflict, Damaged, Problem
from psynetdata.psynet.tables import Column
from tests.store.snapshot_factory import snapshot as snapshot_of

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

COIN = {"coin": [["id", "side"], ["1", "heads"], ["2", "tails"], ["3", "SECRET-VALUE"]]}


@pytest.fixture
def refused(made, tables):
    """refused(snapshot's tables, SQL, kind) → the sentence; nothing in the database has changed."""

    def attempt(written: dict, sql: str, kind: type[Problem], **options) -> str:
        target = tables(sql)
        return attempt_on(target, made(written), kind, **options)

    return attempt


def attempt_on(target, snapshot, kind, **options) -> str:
    before = target.rows(), target.keys(), target.triggers()
    with pytest.raises(kind) as caught:
        restore(snapshot, target.address, **options)
    assert type(caught.value) is kind
    assert (target.rows(), target.keys(), target.triggers()) == before
    assert "SECRET" not in caught.value.sentence
    return caught.value.sentence.replace(target.address.label, "DB")


# --- the target as a whole -----------------------------------------------------------------


def test_tables_that_are_missing(refused):
    sentence = refused({**COIN, "purse": [["id"]]}, "", BadInput)
    assert sentence.startswith("DB lacks 2 tables of the snapshot: coin, purse. Create the tables first")


def test_rows_that_stand_there(snapshot, database):
    sentence = attempt_on(database(keys=True), snapshot("timeline"), Conflict)
    assert sentence.startswith("DB already holds rows, in 1")
    assert sentence.endswith("--replace deletes them in the same step.")


@pytest.mark.each_version
def test_others_that_are_connected(snapshot, database):
    target = database(rows=False)
    other = target.connect()
    with other.cursor() as cursor:
        cursor.execute("SET application_name = 'web'")
    sentence = None
    with pytest.raises(Conflict) as caught:
        restore(snapshot("static"), target.address)
    sentence = caught.value.sentence.replace(target.address.label, "DB")
    assert sentence == "DB has other connections (web); end them first, above all the experiment's server."
    other.close()


def test_columns_that_are_missing(refused):
    sentence = refused(COIN, "CREATE TABLE coin (id int PRIMARY KEY)", BadInput)
    assert sentence == "DB lacks 1 column of the snapshot: coin.side."


def test_columns_that_would_stay_empty(refused):
    sql = "CREATE TABLE coin (id int, side text, weight int NOT NULL, ok int NOT NULL DEFAULT 1, more int)"
    assert refused(COIN, sql, BadInput) == (
        "DB has 1 column that the snapshot lacks, with NOT NULL and without a default: coin.weight."
    )


# --- rights and connections ----------------------------------------------------------------


def test_a_role_that_may_only_read(snapshot, database):
    owner = database(rows=False)
    reader = owner.role("USAGE ON SCHEMA public", "SELECT ON ALL TABLES IN SCHEMA public")
    sentence = attempt_on(reader, snapshot("static"), Refused)
    assert f"the role {reader.address.user} does not own" in sentence
    assert sentence.endswith("restore as the role that does.")


@pytest.mark.each_version
def test_a_role_that_owns_the_tables_is_enough(made, tables):
    owner = tables("CREATE TABLE coin (id serial PRIMARY KEY, side text)")
    role = owner.role()
    for table in owner.tables():
        owner.execute(f"ALTER TABLE {table} OWNER TO {role.address.user}")
    restore(made(COIN), role.address)
    assert owner.value("SELECT count(*) FROM coin") == 3
    owner.execute(f"DROP OWNED BY {role.address.user}")


def test_a_database_that_is_read_only(made, tables):
    target = tables("CREATE TABLE coin (id int PRIMARY KEY, side text)")
    target.execute(f'ALTER DATABASE "{target.address.database}" SET default_transaction_read_only = on')
    assert attempt_on(target, made(COIN), Refused).startswith("DB cannot be written")


def test_a_wrong_password(made, tables):
    address = tables().role().address.with_password("wrong")
    with pytest.raises(Refused) as caught:
        restore(made(COIN), address)
    assert "wrong or missing" in caught.value.sentence


def test_nobody_there(made):
    with pytest.raises(Unreachable):
        restore(made(COIN), parse("postgres://me@127.0.0.1:1/none"))


def test_a_connection_that_is_cut(monkeypatch, made, tables):
    target = tables("CREATE TABLE coin (id int PRIMARY KEY, side text)")

    def cut(cursor, *rest):
        target.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [verb.NAME],
        )
        return {}

    monkeypatch.setattr(verb, "restart_sequences", cut)
    assert attempt_on(target, made(COIN), Unreachable) == "DB: the connection was cut in the middle."


# --- rows that do not fit ------------------------------------------------------------------


@pytest.mark.each_version
@pytest.mark.parametrize("type_", ["int", "timestamp", "jsonb", "bool", "uuid", "varchar(5)", "side"])
def test_a_value_that_does_not_fit(refused, type_):
    rows = [[*row[:1], row[1] if "SECRET" in (row[1] or "") else None] for row in COIN["coin"][1:]]
    sql = f"CREATE TYPE side AS ENUM ('heads'); CREATE TABLE coin (id int PRIMARY KEY, side {type_})"
    sentence = refused({"coin": [["id", "side"], *rows]}, sql, BadInput)
    assert sentence.startswith("Table coin, column side: a value of the snapshot does not fit its type ")
    assert sentence.endswith(" in the database; nothing was changed.")


@pytest.mark.each_version
def test_a_value_that_is_missing(refused):
    written = {"coin": [["id", "side"], ["1", None]]}
    sentence = refused(written, "CREATE TABLE coin (id int PRIMARY KEY, side text NOT NULL)", BadInput)
    assert "column side: the snapshot has rows without a value" in sentence


@pytest.mark.each_version
@pytest.mark.parametrize("sql", ["UNIQUE (upper(side))", "CHECK"])
def test_a_constraint_of_the_database(refused, sql):
    table = "CREATE TABLE coin (id int PRIMARY KEY, side text);"
    if sql == "CHECK":
        sql = "ALTER TABLE coin ADD CONSTRAINT heads_or_tails CHECK (side IN ('heads', 'tails'))"
    else:
        sql = "CREATE UNIQUE INDEX heads_or_tails ON coin ((side <> 'tails'))"
    sentence = refused(COIN, table + sql, Conflict)
    assert sentence == "Table coin: the snapshot's rows violate the database's heads_or_tails; nothing was changed."


@pytest.mark.each_version
def test_a_constraint_that_is_deferred(refused):
    sql = "CREATE TABLE coin (id int, side text, CONSTRAINT once UNIQUE (side) DEFERRABLE INITIALLY DEFERRED)"
    sentence = refused({"coin": [["id", "side"], ["1", "heads"], ["2", "heads"]]}, sql, Conflict)
    assert sentence == "Table coin: the snapshot's rows violate the database's once; nothing was changed."


@pytest.mark.each_version
def test_a_foreign_key_that_the_rows_violate(refused):
    written = {"coin": [["id", "participant_id"], ["1", "1"], ["2", "5"]], "participant": [["id"], ["1"]]}
    sql = "CREATE TABLE coin (id int PRIMARY KEY, participant_id int CONSTRAINT owner REFERENCES participant)"
    assert refused(written, sql, Conflict).startswith(
        "The rows would violate the foreign key owner of table coin, FOREIGN KEY (participant_id) REFERENCES "
        "participant(id); nothing was changed."
    )


def test_a_foreign_key_of_another_table_that_the_rows_violate(refused):
    sql = (
        "CREATE TABLE purse (participant_id int CONSTRAINT owner REFERENCES participant);"
        "INSERT INTO participant VALUES (1); INSERT INTO purse VALUES (1)"
    )
    assert "the foreign key owner of table purse" in refused({}, sql, Conflict, replace=True)


@pytest.mark.each_version
@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("float8", "float4", "0.123456789012"),
        ("timestamp", "date", "2026-11-22 08:00:00"),
        ("timestamptz", "timestamp", "2026-11-22 08:00:00+01"),
        ("text", "name", "x" * 70),
        (None, "numeric(4,1)", "1.25"),
        (None, "timestamp(0)", "2026-11-22 08:00:00.25"),
    ],
)
@pytest.mark.parametrize("with_id", [True, False])
def test_a_value_that_the_database_changes(transactional_db, tables, before, after, value, with_id):
    columns = [Column("id", "int4"), Column("side", before)]
    target = tables(f"CREATE TABLE coin (id int, side {after})")
    if with_id:
        taken = snapshot_of({"coin": (columns, [["1", value], ["2", None]])}, "coins")
    else:
        target.execute("ALTER TABLE coin DROP id")
        taken = snapshot_of({"coin": (columns[1:], [[value], [None]])}, "coins")
    where = "column side: 1" if with_id else "1 row"
    assert f"the database changed values while loading them ({where})" in attempt_on(target, taken, BadInput)


@pytest.mark.each_version
def test_a_generated_column_that_says_something_else(refused):
    sql = "CREATE TABLE coin (id int PRIMARY KEY, side text GENERATED ALWAYS AS ('x') STORED)"
    assert "(column side: 3)" in refused(COIN, sql, BadInput)


@pytest.mark.each_version
def test_a_full_disk_of_the_server(refused):
    sql = (
        "CREATE FUNCTION full_disk(text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN IF $1 = 'tails' THEN"
        " RAISE 'no space for SECRET' USING ERRCODE = '53100'; END IF; RETURN true; END$$;"
        "CREATE TABLE coin (id int PRIMARY KEY, side text CHECK (full_disk(side)))"
    )
    assert refused(COIN, sql, Problem) == "DB: the disk of the database's server is full."


# --- the snapshot, and the user ------------------------------------------------------------


@pytest.mark.parametrize("harm", ["missing", "garbled", "cut", "other"])
def test_a_segment_that_is_damaged(snapshot, database, own_storage, harm):
    taken = snapshot("static")
    segment = SnapshotReader(taken).table_state("response").segments[0]
    file = own_storage / file_of(segment.blob, "csv")
    data = file.read_bytes()
    if harm == "missing":
        file.unlink()
    elif harm == "garbled":
        file.write_bytes(bytes(byte ^ 0x55 for byte in data))
    elif harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    else:
        offset, length = (int(part) for part in segment.blob.split("+")[1:])
        file.write_bytes(data[:offset] + data[offset : offset + length][::-1] + data[offset + length :])
    target = database(rows=False, keys=True)
    with pytest.raises(Damaged):
        restore(taken, target.address)
    assert all(len(rows) == 1 for rows in target.rows().values())
    assert len(target.keys()) == 73


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["fill", "restart_sequences", "prove"])
def test_ctrl_c(monkeypatch, snapshot, database, number, moment):
    def interrupt(number, frame):
        raise Interrupted(number)

    before = signal.signal(number, interrupt)
    done = getattr(verb, moment)

    def press(*args):
        result = done(*args)
        os.kill(os.getpid(), number)
        return result

    monkeypatch.setattr(verb, moment, press)
    try:
        attempt_on(database("static", keys=True), snapshot("timeline"), Interrupted, replace=True)
    finally:
        signal.signal(number, before)
