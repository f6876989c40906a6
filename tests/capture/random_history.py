"""Random histories of a database, for captures that build on each other: whatever may change rows, and what may not."""

from contextlib import closing
from random import Random

import psycopg2

TABLES = """
CREATE TYPE feeling AS ENUM ('good', 'bad', 'odd "one"');
CREATE TABLE by_id (id int PRIMARY KEY, t text, b bytea, j jsonb, n numeric, z timestamptz, f feeling, a text[],
                    x float);
CREATE TABLE wide_ids (id bigint PRIMARY KEY, t text);
CREATE TABLE no_id (t text);
CREATE TABLE parts (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (MAXVALUE);
CREATE SEQUENCE counter;
"""
TEXTS = ["", None, "x", "\\.", "a,b", '"', "l\r\nm", " ", "NULL", "é☃", "\\N", "\t", "0" * 3000]
_ROW = "%(id)s, %(t)s, %(b)s, %(j)s, %(n)s, %(z)s, %(f)s, %(a)s, %(x)s"
_NAMED = "id, t, b, j, n, z, f, a, x"
_ROWS = {
    "insert": f"INSERT INTO by_id ({_NAMED}) VALUES ({_ROW}) ON CONFLICT (id) DO UPDATE SET t = excluded.t",
    "insert some": "INSERT INTO by_id (id, t) SELECT n, %(t)s FROM generate_series(%(id)s, %(id)s + 40) n "
    "ON CONFLICT DO NOTHING",
    "insert far": "INSERT INTO wide_ids VALUES (%(far)s, %(t)s) ON CONFLICT (id) DO UPDATE SET t = excluded.t",
    "insert without id": "INSERT INTO no_id VALUES (%(t)s)",
    "insert into a part": "INSERT INTO parts VALUES (%(id)s, %(t)s) ON CONFLICT DO NOTHING",
    "insert a big one": "INSERT INTO by_id (id, t) VALUES (%(id)s, (SELECT string_agg(md5(n::text), '') FROM "
    "generate_series(1, 2000) n)) ON CONFLICT (id) DO UPDATE SET t = excluded.t",
    "update": "UPDATE by_id SET t = %(t)s, f = %(f)s WHERE id = %(id)s",
    "update many": "UPDATE by_id SET t = %(t)s WHERE id > %(id)s",
    "update nothing": "UPDATE by_id SET t = t WHERE id < %(id)s",
    "update without id": "UPDATE no_id SET t = %(t)s WHERE ctid = (SELECT min(ctid) FROM no_id)",
    "update far": "UPDATE wide_ids SET t = %(t)s WHERE id > %(far)s",
    "move the id": "UPDATE by_id SET id = %(id)s + 100000 WHERE id = %(id)s AND NOT EXISTS "
    "(SELECT FROM by_id WHERE id = %(id)s + 100000)",
    "swap": "UPDATE by_id SET t = (SELECT t FROM by_id WHERE id = %(id)s) WHERE id = %(id)s + 1",
    "to another part": "UPDATE parts SET id = id + 100 WHERE id = %(id)s AND id < 100 AND NOT EXISTS "
    "(SELECT FROM parts p WHERE p.id = %(id)s + 100)",
    "delete": "DELETE FROM by_id WHERE id BETWEEN %(id)s AND %(id)s + 5",
    "delete and insert again": "DELETE FROM by_id WHERE id = %(id)s; "
    "INSERT INTO by_id (id, t) VALUES (%(id)s, 'again') ON CONFLICT DO NOTHING",
    "delete without id": "DELETE FROM no_id WHERE ctid = (SELECT max(ctid) FROM no_id)",
    "lock rows": "SELECT * FROM by_id WHERE id < %(id)s FOR UPDATE",
    "next": "SELECT nextval('counter')",
}
_TABLES = {
    "truncate": "TRUNCATE no_id",
    "truncate and fill": "TRUNCATE by_id; INSERT INTO by_id (id, t) SELECT n, 'new' FROM generate_series(1, 50) n",
    "add a column": "ALTER TABLE by_id ADD COLUMN extra text DEFAULT 'fine'",
    "drop a column": "ALTER TABLE by_id DROP COLUMN IF EXISTS extra",
    "drop and add": "ALTER TABLE no_id DROP COLUMN t; ALTER TABLE no_id ADD COLUMN t text DEFAULT 'd'",
    "rewrite in place": "ALTER TABLE by_id ALTER COLUMN t TYPE text USING upper(t)",
    "another type": "ALTER TABLE wide_ids ALTER COLUMN t TYPE varchar(4000)",
    "the type before": "ALTER TABLE wide_ids ALTER COLUMN t TYPE text",
    "other name of a label": "ALTER TYPE feeling RENAME VALUE 'good' TO 'better'",
    "its name before": "ALTER TYPE feeling RENAME VALUE 'better' TO 'good'",
    "make again": "CREATE TABLE other (LIKE no_id INCLUDING ALL); INSERT INTO other SELECT * FROM no_id; "
    "DROP TABLE no_id; ALTER TABLE other RENAME TO no_id",
    "swap tables": "CREATE TABLE IF NOT EXISTS twin (LIKE wide_ids INCLUDING ALL); "
    "ALTER TABLE wide_ids RENAME TO swapped; ALTER TABLE twin RENAME TO wide_ids; ALTER TABLE swapped RENAME TO twin",
    "swap parts": "CREATE TABLE IF NOT EXISTS spare (LIKE parts INCLUDING ALL); "
    "ALTER TABLE parts DETACH PARTITION parts_high; ALTER TABLE parts_high RENAME TO swapped; "
    "ALTER TABLE spare RENAME TO parts_high; ALTER TABLE swapped RENAME TO spare; "
    "ALTER TABLE parts ATTACH PARTITION parts_high FOR VALUES FROM (100) TO (MAXVALUE)",
    "cluster": "CLUSTER by_id USING by_id_pkey",
    "index": "REINDEX TABLE by_id",
}
_ALONE = ("VACUUM by_id", "VACUUM FULL by_id", "VACUUM FREEZE", "VACUUM FULL no_id", "ANALYZE", "CHECKPOINT")
_ENDS = ("commit", "commit", "commit", "roll back", "part", "leave open", "prepare")


class History:
    """Steps at random over sessions that commit, roll back, in part too, stay open or are prepared."""

    def __init__(self, url: str, seed: int):
        self.random = Random(seed)
        self.done: list[str] = []
        self._url = url
        self._open: list[psycopg2.extensions.connection] = []
        self._prepared: list[str] = []
        self._alone(TABLES)
        self._made = 0

    def step(self) -> None:
        kind = self.random.random()
        if kind < 0.12:
            self._alone(self.random.choice(_ALONE))
        elif kind < 0.25 and (self._open or self._prepared):
            self._end_one()
        elif kind < 0.45:
            self._run([_TABLES[self._name(_TABLES)]], self.random.choice(("commit", "commit", "roll back")))
        else:
            rows = [_ROWS[self._name(_ROWS)] for _ in range(self.random.randint(1, 4))]
            self._run(rows, self.random.choice(_ENDS))

    def close(self) -> None:
        for name in self._prepared:
            self._alone(f"ROLLBACK PREPARED '{name}'")
        for connection in self._open:
            connection.close()

    def _name(self, among: dict[str, str]) -> str:
        name = self.random.choice(sorted(among))
        self.done.append(name)
        return name

    def _values(self) -> dict:
        choice = self.random.choice
        return {
            "id": self.random.randint(1, 130),
            "far": self.random.randint(-9, 9) * 10 ** self.random.randint(0, 18) + self.random.randint(0, 40),
            "t": choice(TEXTS),
            "b": choice([None, b"", b"\0\\\xff,"]),
            "j": choice([None, "{}", '{"a": [1.50, null, "\\u00e9"]}', '"x"']),
            "n": choice([None, "NaN", "1.50", "-0", "1e30"]),
            "z": choice([None, "infinity", "-infinity", "2026-01-01 00:00:00.000001+05", "0044-03-15 BC"]),
            "f": choice([None, "bad", 'odd "one"']),
            "a": choice([None, [], ["", None, "a,b", '"', "NULL"]]),
            "x": choice([None, float("nan"), float("-inf"), 0.1, 1e-320]),
        }

    def _alone(self, sql: str) -> None:
        with closing(self._session()) as connection:
            connection.autocommit = True
            self._execute(connection, sql)

    def _session(self):
        return psycopg2.connect(self._url, options="-c lock_timeout=100ms")

    def _execute(self, connection, sql: str, values: dict | None = None) -> bool:
        """False where it cannot be, because of what is open or was done before; that is no error here."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
            return True
        except (psycopg2.OperationalError, psycopg2.ProgrammingError, psycopg2.DataError, psycopg2.IntegrityError,
                psycopg2.NotSupportedError):  # fmt: skip
            self.done[-1:] = [f"({self.done[-1]})"] if self.done else []
            return False

    def _run(self, statements: list[str], end: str) -> None:
        self.done.append(end)
        connection = self._session()
        for number, statement in enumerate(statements):
            part = f"part_{number}"
            self._execute(connection, f"SAVEPOINT {part}")
            kept = self._execute(connection, statement, self._values())
            if not kept or (end == "part" and self.random.random() < 0.5):
                self._execute(connection, f"ROLLBACK TO {part}")
        if end == "leave open":
            self._open.append(connection)
            return
        if end == "prepare":
            self._made += 1
            name = f"prepared_{self._url.rpartition('/')[2]}_{self._made}"
            if self._execute(connection, f"PREPARE TRANSACTION '{name}'"):
                self._prepared.append(name)
        elif end != "roll back":
            connection.commit()
        connection.close()

    def _end_one(self) -> None:
        if self._prepared and (not self._open or self.random.random() < 0.5):
            name = self._prepared.pop(self.random.randrange(len(self._prepared)))
            self._alone(f"{self.random.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{name}'")
            self.done.append("end of a prepared one")
            return
        connection = self._open.pop(self.random.randrange(len(self._open)))
        self.done.append("end of an open one")
        if self.random.random() < 0.7:
            connection.commit()
        connection.close()
