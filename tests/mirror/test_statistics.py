"""PostgreSQL knows of rows as soon as they are mirrored; nothing of that concerns a refresh that changed little."""

import psycopg2
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.mirror import Transform, refresh
from psynetdata.models import Deployment, MirroredTable, Response
from tests.mirror.live_experiment import Live

pytestmark = [
    pytest.mark.django_db(databases="__all__", transaction=True),
    pytest.mark.each_database,
    pytest.mark.skipif("connections['default'].vendor != 'postgresql'", reason="statistics are PostgreSQL's"),
]
AS_IT_IS = Transform("as it is")


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="a-launch", clock_offset=0)


@pytest.fixture
def live():
    live = Live()
    live.put("participant", type="psynet.participant.Participant", worker_id="somebody")
    for number in range(1500):
        live.put("response", participant_id="1", question="animal", answer=f'"cats {number}"')
    return live


@pytest.fixture(autouse=True)
def unknown():
    """What an earlier test left behind is forgotten."""
    for face in (IDENTIFIED, ANONYMOUS):
        with connections[face].cursor() as cursor:
            cursor.execute(f"TRUNCATE {Response._meta.db_table}")
            cursor.execute("DELETE FROM pg_statistic WHERE starelid = to_regclass(%s)", [Response._meta.db_table])


def known(face: str) -> int:
    """Rows of the responses as the planner has them."""
    with connections[face].cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s) AND EXISTS "
            "(SELECT FROM pg_statistic WHERE starelid = pg_class.oid)",
            [Response._meta.db_table],
        )
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def test_a_first_fill_is_known_at_once_and_a_small_change_costs_nothing(deployment, live):
    with CaptureQueriesContext(connections[IDENTIFIED]) as first:
        refresh(IDENTIFIED, deployment, live, AS_IT_IS)
    assert known(IDENTIFIED) == 1500
    assert known(ANONYMOUS) == 0  # a schema of its own
    told = [query["sql"] for query in first.captured_queries]
    (analyzed,) = [place for place, sql in enumerate(told) if sql.startswith("ANALYZE")]
    assert "COMMIT" in told[:analyzed]  # so that the face's readers and writers need not wait for it
    live.rows["response"][7]["answer"] = '"dogs"'
    with CaptureQueriesContext(connections[IDENTIFIED]) as second:
        refresh(IDENTIFIED, deployment, live, AS_IT_IS)
    assert not [query for query in second.captured_queries if "ANALYZE" in query["sql"]]


def test_who_holds_the_table_is_not_waited_for(deployment, live):
    other = psycopg2.connect(**connections[IDENTIFIED].get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Response._meta.db_table} IN SHARE UPDATE EXCLUSIVE MODE")
        assert refresh(IDENTIFIED, deployment, live, AS_IT_IS)["response"] == 1500
        assert known(IDENTIFIED) == 0
    finally:
        other.close()


_REFUSES = """
CREATE FUNCTION refuses(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() LIKE 'ANALYZE%' THEN RAISE 'not now'; END IF;
    RETURN 'x';
END $$;
CREATE INDEX refusing ON psynetdata_response (refuses(class_name));
"""


def test_where_it_fails_the_mirror_does_not(deployment, live, caplog):
    with connections[IDENTIFIED].cursor() as cursor:
        cursor.execute(_REFUSES)
    try:
        assert refresh(IDENTIFIED, deployment, live, AS_IT_IS)["response"] == 1500
        assert "statistics of the identified face stay old" in caplog.text
        assert MirroredTable.objects.using(IDENTIFIED).get(table="response").rows == 1500
    finally:
        with connections[IDENTIFIED].cursor() as cursor:
            cursor.execute("DROP FUNCTION refuses CASCADE")
