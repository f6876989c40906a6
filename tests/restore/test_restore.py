"""A snapshot back into a real database: every row, and all around the rows as it was."""

import pytest

from exports.models import Snapshot, Withdrawal
from exports.restore.restore import restore
from psynetdata.models import Audit
from tests.references import REFERENCES

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_version]


@pytest.mark.parametrize("name", REFERENCES)
def test_every_row_comes_back_under_the_declared_keys(name, loaded, database):
    original, target = database(name), database(name, rows=False, keys=True)
    keys = target.keys()
    assert len(keys) >= 73
    done = restore(Snapshot.objects.newest(loaded(name)), target.address)
    assert target.rows() == original.rows()
    assert target.keys() == keys
    assert done.rows == {table: len(rows) - 1 for table, rows in original.rows().items()}
    assert done.warnings == []


def test_replace_deletes_what_stood_there(snapshot, database):
    original, target = database("timeline"), database("static", keys=True)
    restore(snapshot("timeline"), target.address, replace=True)
    assert target.rows() == original.rows()


def test_it_is_on_record_without_a_password(snapshot, database):
    target = database(rows=False)
    taken = snapshot("static")
    restore(taken, target.address)
    entry = Audit.objects.get(verb="restore")
    assert (entry.target, entry.deployment, entry.identified) == (str(taken), taken.deployment, True)
    assert entry.details["rows"] == taken.rows
    assert target.address.password
    assert target.address.password not in str(entry.details)


def test_columns_go_by_their_names(made, tables):
    taken = made({"coin": [["id", "side", "weight"], ["1", "heads", "1.5"], ["2", None, "2"]]})
    target = tables(
        "CREATE TABLE coin (weight float8, more text DEFAULT 'new', none text, side varchar NOT NULL DEFAULT 'x',"
        " id integer PRIMARY KEY);"
        "ALTER TABLE coin ALTER side DROP NOT NULL"
    )
    restore(taken, target.address)
    assert target.execute("SELECT id, side, weight, more, none FROM coin ORDER BY id") == [
        (1, "heads", 1.5, "new", None),
        (2, None, 2.0, "new", None),
    ]


def test_names_that_need_quotes(made, tables):
    taken = made({'Select "x"': [["id", "order", "Käse %s"], ["1", "a", "b"]]})
    target = tables('CREATE TABLE "Select ""x""" (id int PRIMARY KEY, "order" text, "Käse %s" text)')
    restore(taken, target.address)
    assert target.execute('SELECT "order", "Käse %%s" FROM "Select ""x"""', []) == [("a", "b")]


def test_texts_that_copy_might_misread(made, tables):
    texts = [
        "",
        None,
        "\\.",
        "\\",
        "a\n\\.\nb",
        "\r",
        "\r\n",
        '"',
        '""',
        ",",
        "\\N",
        "\u2028",
        " ",
        "\x01",
        "'",
        "é" * 70000,
    ]
    taken = made(
        {
            "coin": [["id", "text"], *([str(number), text] for number, text in enumerate(texts))],
            "single": [["sole"], *([text] for text in texts)],
        }
    )
    target = tables("CREATE TABLE coin (id int PRIMARY KEY, text text); CREATE TABLE single (sole text)")
    restore(taken, target.address)
    assert [text for (text,) in target.execute("SELECT text FROM coin ORDER BY id")] == texts
    assert sorted(target.execute("SELECT sole FROM single"), key=repr) == sorted(((text,) for text in texts), key=repr)


def test_generated_and_identity_columns(made, tables):
    taken = made({"coin": [["id", "double", "n"], ["7", "4", "2"], ["9", "6", "3"]]})
    target = tables(
        "CREATE TABLE coin (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int,"
        " double int GENERATED ALWAYS AS (2 * n) STORED)"
    )
    restore(taken, target.address)
    assert target.execute("SELECT id, n, double FROM coin ORDER BY id") == [(7, 2, 4), (9, 3, 6)]
    assert target.value("INSERT INTO coin (n) VALUES (1) RETURNING id") == 10


# --- sequences -----------------------------------------------------------------------------


def test_sequences_go_on_where_they_stood(made, tables):
    taken = made(
        {
            "coin": [["id"], ["3"], ["5"]],
            "gone": [["id"]],
            "down": [["id"], ["-4"]],
            "full": [["id"], ["32767"]],
            "uncounted": [["id"], ["8"]],
        }
    )
    taken.sequences = {"coin_id_seq": 40, "gone_id_seq": 12, "uncounted_id_seq": None, "free": 6}
    taken.save()
    target = tables(
        "CREATE TABLE coin (id serial PRIMARY KEY); CREATE TABLE gone (id serial); CREATE TABLE down (id serial);"
        "CREATE TABLE uncounted (id serial); CREATE TABLE full_ (id smallserial); CREATE SEQUENCE free INCREMENT 3;"
        'ALTER TABLE full_ RENAME TO "full"; ALTER SEQUENCE down_id_seq INCREMENT -2 MINVALUE -100 MAXVALUE 1;'
        "CREATE SEQUENCE other START 77"
    )
    done = restore(taken, target.address)
    assert done.sequences == {
        "coin_id_seq": 41,
        "gone_id_seq": 13,
        "down_id_seq": -6,
        "full__id_seq": 32767,
        "uncounted_id_seq": 9,
        "free": 9,
    }
    given = {name: target.value(f"SELECT nextval('{name}')") for name in [*done.sequences, "other"]}
    assert given == {**done.sequences, "other": 77}


def test_the_next_participant_gets_the_next_id(snapshot, database):
    target = database(rows=False, keys=True)
    done = restore(snapshot("static"), target.address)
    highest = target.value("SELECT max(id) FROM participant")
    assert done.sequences["participant_id_seq"] == highest + 1 == target.value("SELECT nextval('participant_id_seq')")


# --- keys and triggers ---------------------------------------------------------------------


def test_keys_come_back_as_they_were(made, tables):
    taken = made({"coin": [["id", "participant_id"], ["1", None], ["2", "1"]], "participant": [["id"], ["1"]]})
    target = tables(
        "CREATE TABLE coin (id int PRIMARY KEY, participant_id int);"
        'ALTER TABLE coin ADD CONSTRAINT "As it was" FOREIGN KEY (participant_id) REFERENCES participant'
        " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;"
        'COMMENT ON CONSTRAINT "As it was" ON coin IS $$it'
        "s%s$$;"
        "ALTER TABLE coin ADD CONSTRAINT unchecked FOREIGN KEY (id) REFERENCES network NOT VALID;"
        "CREATE SCHEMA beside; CREATE TABLE beside.note (participant_id int REFERENCES participant);"
        "CREATE TABLE purse (participant_id int REFERENCES participant)".replace("''", "'")
    )
    keys = target.keys()
    assert [key[1:4:2] for key in keys if key[0] == "coin"] == [("As it was", True), ("unchecked", False)]
    restore(taken, target.address)
    assert target.keys() == keys


def test_tables_outside_of_the_snapshot_keep_their_rows(made, tables):
    taken = made({"participant": [["id"], ["1"]]})
    target = tables(
        "CREATE TABLE purse (participant_id int CONSTRAINT owner REFERENCES participant);"
        "INSERT INTO participant VALUES (1), (2); INSERT INTO purse VALUES (1)"
    )
    keys = target.keys()
    done = restore(taken, target.address, replace=True)
    assert target.execute("SELECT * FROM purse") == [(1,)]
    assert target.keys() == keys
    assert done.warnings == ["Table purse is not in the snapshot; its rows stay as they are."]


def test_triggers_stand_still_and_are_as_they_were(made, tables):
    taken = made({"coin": [["id"], ["1"]]})
    names = ("always", "off", "on", "replica")
    target = tables(
        "CREATE TABLE coin (id int PRIMARY KEY);"
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'fired'; END$$;"
        + "".join(
            f'CREATE TRIGGER "{name}" BEFORE INSERT ON coin FOR EACH ROW EXECUTE FUNCTION no();' for name in names
        )
        + 'ALTER TABLE coin ENABLE ALWAYS TRIGGER "always", DISABLE TRIGGER "off", ENABLE REPLICA TRIGGER "replica"'
    )
    restore(taken, target.address)
    assert target.value("SELECT count(*) FROM coin") == 1
    assert target.triggers() == [("always", "A"), ("off", "D"), ("on", "O"), ("replica", "R")]


# --- types ---------------------------------------------------------------------------------


def test_types_that_differ_are_named(snapshot, database):
    target = database(rows=False)
    target.execute("ALTER TABLE info ALTER trial_maker_id TYPE text, ALTER score TYPE numeric")
    done = restore(snapshot("static"), target.address)
    assert done.warnings == [
        "Table info, column trial_maker_id: varchar in the snapshot, text in the database.",
        "Table info, column score: float8 in the snapshot, numeric in the database.",
    ]


def test_the_same_values_in_another_spelling(made, tables):
    header = ["id", "at", "n", "data", "yes", "what"]
    taken = made({"coin": [header, ["1", "2026-11-22 09:00:00+01", "1.50", '{"b":1,"a":2}', "true", "0"]]})
    target = tables(
        "CREATE TABLE coin (id int PRIMARY KEY, at timestamptz, n float8, data jsonb, yes bool, what char(3));"
        "CREATE TABLE plain (at timestamptz)"
    )
    restore(taken, target.address)
    assert target.execute("SELECT at::text, n, data->>'b', yes FROM coin") == [
        ("2026-11-22 08:00:00+00", 1.5, "1", True)
    ]


def test_the_same_values_in_another_spelling_without_ids(made, tables):
    taken = made({"barrier": [["at"], ["2026-11-22 09:00:00+01"], ["2026-11-22 08:00:00+00"], [None]]})
    target = tables("CREATE TABLE barrier (at timestamptz)")
    restore(taken, target.address)
    assert target.value("SELECT count(*) FROM barrier WHERE at = '2026-11-22 08:00:00+00'") == 2


# --- tables of several parts ---------------------------------------------------------------


def test_tables_that_inherit_and_partitioned_ones(made, tables):
    taken = made({"bird": [["id"], ["1"]], "crow": [["id"], ["2"], ["3"]], "coin": [["id"], ["-1"], ["1"]]})
    target = tables(
        "CREATE TABLE bird (id int); CREATE TABLE crow () INHERITS (bird); INSERT INTO crow VALUES (9);"
        "CREATE TABLE jay () INHERITS (bird); INSERT INTO jay VALUES (8);"
        "CREATE TABLE coin (id int) PARTITION BY RANGE (id);"
        "CREATE TABLE coin_1 PARTITION OF coin FOR VALUES FROM (MINVALUE) TO (0);"
        "CREATE TABLE coin_2 PARTITION OF coin FOR VALUES FROM (0) TO (MAXVALUE)"
    )
    done = restore(taken, target.address, replace=True)
    assert target.execute("SELECT id, tableoid::regclass::text FROM bird ORDER BY 1") == [
        (1, "bird"),
        (2, "crow"),
        (3, "crow"),
        (8, "jay"),
    ]
    assert target.execute("SELECT id, tableoid::regclass::text FROM coin ORDER BY 1") == [(-1, "coin_1"), (1, "coin_2")]
    assert done.warnings == ["Table jay is not in the snapshot; its rows stay as they are."]


def test_who_withdrew_does_not_come_back(loaded, database):
    deployment = loaded("static_audio")
    original, target = database("static_audio"), database("static_audio", rows=False, keys=True)
    Withdrawal.objects.create(deployment=deployment, participant=3)
    done = restore(Snapshot.objects.newest(deployment), target.address)
    assert done.warnings == ["1 participants who withdrew, and their rows, were left out."]
    before, after = original.rows(), target.rows()
    for table, column in (("participant", "id"), ("info", "participant_id"), ("response", "participant_id")):
        at = before[table][0].index(column)
        assert after[table] == [row for row in before[table] if row[at] != "3"]
    assert after["node"] == before["node"]
    assert done.rows == {table: len(rows) - 1 for table, rows in after.items()}
