"""Counting references that lead nowhere: in a database, and in tables read row by row."""

import pytest

from psynetdata.psynet.table_source import ZipSource
from psynetdata.psynet.tables import declared_keys, known_tables
from tests.references import DATA, REFERENCES
from tools.simulator import dangling, dangling_in


class Without:
    """A source that lacks the rows of a table that a test names."""

    def __init__(self, source, table, *rows_gone):
        self._source, self._table, self._gone = source, table, set(rows_gone)

    def tables(self):
        return self._source.tables()

    def columns(self, table):
        return self._source.columns(table)

    def rows(self, table):
        position = [column.name for column in self.columns(table)].index("id") if table == self._table else 0
        for row in self._source.rows(table):
            if table != self._table or row[position] not in self._gone:
                yield row


def test_the_list_is_psynets():
    assert len(declared_keys()) == 73
    known = known_tables()
    assert all(key.column in known[key.table] and key.target_column in known[key.target] for key in declared_keys())


@pytest.mark.parametrize("name", REFERENCES)
def test_psynets_own_databases_are_whole(postgres, name):
    assert dangling(postgres.connect(postgres.database(name))) == {}
    assert dangling_in(ZipSource(DATA / name / "database.zip")) == {}


def test_each_lost_row_is_counted(postgres):
    """A node, a participant and a response go; the same counts from the database and from its tables."""
    url = postgres.database("static")
    static = ZipSource(DATA / "static" / "database.zip")
    for table, gone in (("node", 3), ("participant", 4), ("response", 1)):
        fresh = postgres.database("static")
        postgres.execute(fresh, f"DELETE FROM {table} WHERE id = {gone}")
        found = dangling(postgres.connect(fresh))
        assert found == dangling_in(Without(static, table, str(gone)))
        for name, count in found.items():
            key = next(key for key in declared_keys() if key.constraint == name)
            referring = f"SELECT count(*) FROM {key.table} r JOIN {table} t ON r.{key.column} = t.{key.target_column}"
            assert postgres.execute(url, f"{referring} WHERE t.id = {gone}") == [(count,)]
        expected = {
            "node": "info_node_id_fkey",
            "participant": "request_unique_id_fkey",
            "response": "info_response_id_fkey",
        }
        assert expected[table] in found


def test_a_lost_table_takes_all_its_references_along(postgres):
    url = postgres.database("static")
    answered = postgres.execute(url, "SELECT count(response_id) FROM info")[0][0]
    postgres.execute(url, "DROP TABLE response")
    assert dangling(postgres.connect(url)) == {"info_response_id_fkey": answered}


def test_a_database_without_any_of_it(postgres):
    assert dangling(postgres.connect(postgres.empty())) == {}
