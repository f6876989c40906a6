"""Snapshots of a running experiment: every row as COPY writes it, and no more read than changed."""

import os
import resource

import pytest

from exports.capture.take import take
from exports.models import Snapshot
from exports.operations.storage_check import verify_snapshot
from exports.store.blobs import PackedFile, file_of
from exports.store.reader import SnapshotReader
from psynetdata.faces import IDENTIFIED
from psynetdata.models import Participant, Trial
from psynetdata.psynet.problems import Conflict
from tests import mirrored

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


def stored(snapshot, table: str) -> bytes:
    return b"".join(record + b"\n" for record in SnapshotReader(snapshot).records(table))


@pytest.mark.each_version
@pytest.mark.parametrize("name", ["static", "static_audio", "timeline", "custom_table_simple"])
def test_every_table_is_as_copy_writes_it(experiment, name):
    running = experiment(name)
    taken = mirrored.take(running.deployment)
    snapshot = taken.snapshot
    tables = [row[0] for row in running.sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                                            "'public'::regnamespace ORDER BY 1")]  # fmt: skip
    assert sorted(snapshot.tables) == sorted(tables)
    for table in tables:
        state = SnapshotReader(snapshot).table_state(table)
        rows = running.copied(table, "id" if state.cut else "1")
        if state.cut:
            assert stored(snapshot, table) == rows, table
        else:
            assert sorted(stored(snapshot, table).splitlines()) == sorted(rows.splitlines()), table
        assert snapshot.rows_of(table) == running.sql(f'SELECT count(*) FROM "{table}"')[0][0]
    assert verify_snapshot(snapshot).problems == []
    assert snapshot.state == Snapshot.State.GOOD
    assert Participant.objects.using(IDENTIFIED).count() == snapshot.rows_of("participant")
    assert Trial.objects.using(IDENTIFIED).count() == snapshot.rows_of("info")


def test_a_snapshot_equals_the_file_that_psynet_makes(experiment, database_zip):
    running = experiment("static")
    taken = take(running.deployment).snapshot
    handed_in = mirrored.load(database_zip("static"))
    assert (handed_in.created, handed_in.snapshot) == (False, taken)


def test_a_quiet_minute_reads_and_stores_nothing(experiment):
    running = experiment()
    first = take(running.deployment)
    second = take(running.deployment)
    assert (first.read > 0, second.read, second.snapshot.new_bytes) == (True, 0, 0)
    assert second.snapshot.tables == first.snapshot.tables
    assert second.snapshot.taken_at > first.snapshot.taken_at


CHANGES = {
    "inserted": "INSERT INTO node (id, creation_time, type, failed, network_id) VALUES (9000, now(), 'x.Y', false, 1)",
    "updated": "UPDATE info SET answer = '\"other\"' WHERE id = (SELECT max(id) FROM info)",
    "rewritten with the same values": "UPDATE info SET answer = answer",
    "deleted": "DELETE FROM notification WHERE id = (SELECT max(id) FROM notification)",
    "emptied": "TRUNCATE request",
    "in another segment": (
        "INSERT INTO response (id, creation_time, failed, participant_id, answer) VALUES (100000, now(), false, 1, '1')"
    ),
    "in a table without ids": (
        "INSERT INTO asset_trial (creation_time, local_key, trial_id, asset_id) SELECT now(), 'k', min(id), 1 FROM info"
    ),
}


@pytest.mark.each_version
@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_seen_and_nothing_else_is_read(experiment, change):
    running = experiment()
    first = take(running.deployment).snapshot
    running.sql(CHANGES[change])
    second = take(running.deployment)
    differ = {table for table, entry in second.snapshot.tables.items() if entry != first.tables[table]}
    assert len(differ) == 1
    assert second.read == (change not in ("deleted", "emptied")) or change == "deleted"
    (table,) = differ
    by_id = SnapshotReader(second.snapshot).table_state(table).cut
    found, rows = stored(second.snapshot, table), running.copied(table, "id" if by_id else "1")
    assert sorted(found.splitlines()) == sorted(rows.splitlines())
    assert verify_snapshot(second.snapshot).problems == []


@pytest.mark.each_version
def test_many_rows_updated_at_once_are_seen(experiment):
    """One transaction for each of 8,192 rows that share a segment: figures that fold id and xmin into one miss it."""
    running = experiment()
    running.sql(
        "INSERT INTO request (id, creation_time, endpoint, method) "
        "SELECT n, now(), 'e', 'GET' FROM generate_series(8192, 16383) n"
    )
    take(running.deployment)
    running.sql("UPDATE request SET duration = 1.5 WHERE id >= 8192")
    second = take(running.deployment)
    assert second.read == 1
    assert stored(second.snapshot, "request") == running.copied("request")


SHAPES = {
    "a column added": "ALTER TABLE info ADD COLUMN mood text DEFAULT 'fine'",
    "a column dropped": "ALTER TABLE info DROP COLUMN property5",
    "a column renamed": "ALTER TABLE info RENAME COLUMN property5 TO mood",
    "another type": "ALTER TABLE participant ALTER COLUMN hit_id TYPE varchar(60)",
    "a table made again": (
        "CREATE TABLE other (LIKE info INCLUDING ALL); INSERT INTO other SELECT * FROM info; DROP TABLE info CASCADE; "
        "ALTER TABLE other RENAME TO info"
    ),
}


@pytest.mark.each_version
@pytest.mark.parametrize("shape", SHAPES)
def test_what_row_versions_do_not_show_is_read_again(experiment, shape):
    running = experiment()
    take(running.deployment)
    running.sql(SHAPES[shape])
    second = take(running.deployment)
    assert second.read == 1
    table = "participant" if "participant" in SHAPES[shape] else "info"
    assert stored(second.snapshot, table) == running.copied(table)
    columns = [column.name for column in SnapshotReader(second.snapshot).columns(table)]
    assert ("mood" in columns) == ("mood" in SHAPES[shape])


@pytest.mark.each_version
def test_an_enum_label_that_is_renamed_changes_rows(experiment):
    running = experiment()
    running.sql("CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE feeling (id int PRIMARY KEY, mood mood);"
                "INSERT INTO feeling VALUES (1, 'good')")  # fmt: skip
    take(running.deployment)
    running.sql("ALTER TYPE mood RENAME VALUE 'good' TO 'great'")
    assert stored(take(running.deployment).snapshot, "feeling") == b"1,great\n"


@pytest.mark.each_version
def test_tables_come_and_go(experiment):
    running = experiment()
    take(running.deployment)
    running.sql("CREATE TABLE pet (id serial PRIMARY KEY, name text); INSERT INTO pet (name) VALUES (''), (NULL)")
    second = take(running.deployment).snapshot
    assert stored(second, "pet") == b'1,""\n2,\n'
    assert second.sequences["pet_id_seq"] == 2
    running.sql("DROP TABLE pet")
    assert "pet" not in take(running.deployment).snapshot.tables


@pytest.mark.each_version
def test_odd_tables(experiment):
    """Partitioned, inherited, negative and sparse ids, a key that is no id, no key, quoted names, generated columns."""
    running = experiment()
    running.sql('''
        CREATE TABLE part (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
        CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (10);
        CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (10) TO (MAXVALUE);
        INSERT INTO part VALUES (-5, 'a'), (20000, 'b');
        CREATE TABLE parent (id int PRIMARY KEY, t text); CREATE TABLE child () INHERITS (parent);
        INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (1, 'c');
        CREATE TABLE sparse (id bigint PRIMARY KEY);
        INSERT INTO sparse SELECT n::bigint * 100000 FROM generate_series(1, 300) n;
        CREATE TABLE keyed (code text PRIMARY KEY, id int); INSERT INTO keyed VALUES ('x', 1), ('y', 1);
        CREATE TABLE "Odd ""name""" ("a b" text, "id" text);
        INSERT INTO "Odd ""name""" VALUES (E'l\\n"', 'z'), ('', '');
        CREATE TABLE made (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO made VALUES (4);
        CREATE VIEW seen AS SELECT * FROM info;
    ''')  # fmt: skip
    snapshot = take(running.deployment).snapshot
    assert stored(snapshot, "part") == b"-5,a\n20000,b\n"
    assert (stored(snapshot, "parent"), stored(snapshot, "child")) == (b"1,p\n", b"1,c\n")
    assert stored(snapshot, "sparse") == running.copied("sparse")
    assert len(SnapshotReader(snapshot).table_state("sparse").segments) < 100
    assert stored(snapshot, "keyed") == b"x,1\ny,1\n"
    assert stored(snapshot, 'Odd "name"') == b'"",""\n"l\n""",z\n'
    assert stored(snapshot, "made") == b"4,8\n"
    assert not {"seen", "part_low", "part_high"} & set(snapshot.tables)
    quiet = take(running.deployment)
    assert (quiet.read, quiet.snapshot.tables) == (0, snapshot.tables)
    assert verify_snapshot(quiet.snapshot).problems == []


def test_once_a_day_every_row_is_read_afresh(experiment, monkeypatch):
    running = experiment()
    first = take(running.deployment)
    assert take(running.deployment).read == 0
    full = take(running.deployment, full=True)
    assert (full.read, full.snapshot.new_bytes) == (first.read, 0)
    assert full.snapshot.tables == first.snapshot.tables
    newest = Snapshot.objects.order_by("-pk").first()
    newest.server["afresh_at"] = "2026-01-01T00:00:00+00:00"
    newest.save()
    due = take(running.deployment)
    assert due.read == first.read
    assert take(running.deployment).read == 0
    assert due.snapshot.server["afresh_at"] > "2026-01-02"
    newest = Snapshot.objects.order_by("-pk").first()
    newest.server["afresh_at"] = "2999-01-01T00:00:00+00:00"  # written before the clock was set back
    newest.save()
    assert take(running.deployment).read == first.read
    assert take(running.deployment).read == 0


def test_a_restarted_server_voids_the_figures(transactional_db, own_postgres):
    from tests.capture.conftest import Experiment

    running = Experiment(own_postgres, own_postgres.database("timeline"))
    first = take(running.deployment)
    own_postgres.stop()
    own_postgres.start()
    second = take(running.deployment)
    assert (second.read, second.snapshot.tables) == (first.read, first.snapshot.tables)


@pytest.mark.each_version
def test_another_database_of_the_same_address_voids_the_figures(experiment):
    running = experiment()
    first = take(running.deployment)
    earlier = dict(first.snapshot.server)
    for name, value in (("system", "1"), ("database", 1), ("started", "x"), ("horizon", 1 << 60)):
        Snapshot.objects.filter(pk=first.snapshot.pk).update(server={**earlier, name: value})
        assert take(running.deployment).read == first.read, name
        Snapshot.objects.exclude(pk=first.snapshot.pk).delete()


def test_damaged_segments_are_read_again(experiment, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    from django.core.files.storage import default_storage

    running = experiment()
    first = take(running.deployment).snapshot
    segment = SnapshotReader(first).table_state("info").segments[0]
    place = default_storage.path(file_of(segment.blob, "csv"))
    state = default_storage.path(file_of(first.tables["response"]["state"], "json"))
    for name in (place, state):
        with open(name, "r+b") as file:
            file.seek(20)
            file.write(b"damage")
    assert len(verify_snapshot(first).problems) == 2
    first.refresh_from_db()
    assert first.damage == [segment.blob, first.tables["response"]["state"]]
    second = take(running.deployment)
    assert second.read == 2
    first.refresh_from_db()
    assert first.damage == []
    assert verify_snapshot(second.snapshot).problems == []
    assert verify_snapshot(first).problems == []  # the same files, whole again
    assert take(running.deployment).read == 0


def test_a_full_snapshot_repairs_what_nobody_has_noticed(experiment, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 0)
    from django.core.files.storage import default_storage

    running = experiment()
    first = take(running.deployment).snapshot
    place = default_storage.path(file_of(SnapshotReader(first).table_state("info").segments[0].blob, "csv"))
    with open(place, "r+b") as file:
        file.seek(20)
        file.write(b"damage")
    take(running.deployment)
    assert len(verify_snapshot(first).problems) == 1
    Snapshot.objects.update(damage=[])
    take(running.deployment, full=True)
    assert verify_snapshot(first).problems == []


def test_a_damaged_place_in_a_pack_is_repaired(experiment):
    from django.core.files.storage import default_storage

    running = experiment()
    first = take(running.deployment).snapshot
    blob = SnapshotReader(first).table_state("info").segments[0].blob
    place = default_storage.path(file_of(blob, "csv"))
    with open(place, "r+b") as file:
        file.seek(int(blob.split("+")[1]) + 30)
        file.write(b"damage")
    assert len(verify_snapshot(first).problems) == 1
    second = take(running.deployment)
    assert second.read == 1
    assert verify_snapshot(second.snapshot).problems == []
    assert take(running.deployment).read == 0
    assert verify_snapshot(first).problems == []


def test_what_was_handed_in_or_is_over_has_no_source(experiment, loaded):
    with pytest.raises(Conflict, match="loaded from a file"):
        take(loaded("timeline"))
    running = experiment("static")
    from exports.operations import deployments

    deployments.archive(running.deployment)
    with pytest.raises(Conflict, match="is archived"):
        take(running.deployment)
    deployments.resume(running.deployment)
    deployments.pause(running.deployment)
    assert take(running.deployment).snapshot.state == Snapshot.State.GOOD


def test_a_disk_that_takes_no_more_is_what_is_told(tmp_path):
    """Closing what could not be written must not hide why."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, hard))
    try:
        with pytest.raises(OSError, match="File too large"), PackedFile(tmp_path) as file:
            file.write(os.urandom(4 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
