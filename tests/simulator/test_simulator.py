"""What the simulator writes, on both servers, with PsyNet's declared keys in force."""

import json
import threading
from collections import Counter

import psycopg2
import pytest

from exports.sources.postgres import Refused, Unreachable
from psynetdata.psynet import times
from psynetdata.psynet.problems import BadInput, Conflict
from tests.servers.databases import key_definitions
from tools.simulator import Simulator, create, dangling

STEPS = 300
GROWN = ("participant", "info", "response", "module_state", "notification", "request")


def numbers(postgres, url) -> Counter:
    counted = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in GROWN)
    return Counter(dict(postgres.execute(url, counted)))


def fingerprint(postgres, url, newest: dict[str, int]) -> dict[str, str]:
    """What stands in the rows up to an id, by table."""
    text = "SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {} t WHERE id <= {}"
    return {table: postgres.execute(url, text.format(table, last))[0][0] for table, last in newest.items()}


@pytest.fixture
def made(postgres):
    """The URL of a database that `create` made, with PsyNet's keys in force."""
    url = postgres.empty()
    create(postgres.connect(url))
    added = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}" for table, name, text in key_definitions()]
    postgres.execute(url, ";".join(added))
    return url


def steps(url, count=STEPS, **options) -> Simulator:
    with Simulator(url, **options) as simulator:
        for _ in range(count):
            simulator.step()
    return simulator


def test_references_are_whole_and_numbers_are_true(postgres, made):
    simulator = steps(made, seed=1, participants=5)
    found = numbers(postgres, made)
    assert dangling(postgres.connect(made)) == {}
    assert min(found.values()) > 0
    assert found["participant"] == simulator.counts["participants"]
    assert found["info"] == simulator.counts["trials"]
    assert len(simulator.latencies) == simulator.transactions == STEPS
    assert max(simulator.latencies) == simulator.worst


def test_rows_tell_one_story(postgres, made):
    """Equalities that hold in PsyNet's own databases; each query counts the rows that break one."""
    simulator = steps(made, seed=2, participants=5)
    assert simulator.counts["finished"] > 0
    assert simulator.counts["failed"] > 0
    for broken in (
        "participant WHERE unique_id <> worker_id || ':' || assignment_id OR worker_id !~ '^[0-9a-f]{24}$'",
        "info JOIN response r ON r.id = response_id WHERE (info.answer, info.participant_id) "
        "IS DISTINCT FROM (r.answer, r.participant_id)",
        "info WHERE complete <> (response_id IS NOT NULL) OR finalized <> complete",
        "info WHERE complete <> (time_taken IS NOT NULL) OR complete <> (answer IS NOT NULL)",
        "info JOIN participant p ON p.id = participant_id WHERE p.failed <> info.failed",
        "info JOIN node n ON n.id = node_id WHERE n.network_id <> info.network_id OR origin_id <> node_id",
        "info JOIN info again ON again.id = info.parent_trial_id WHERE NOT again.is_repeat_trial",
        "participant WHERE failed <> (time_of_death IS NOT NULL) OR failed <> (failed_reason IS NOT NULL)",
        "participant WHERE complete AND (end_time IS NULL OR status NOT IN ('submitted', 'approved') OR progress <> 1)",
        "participant p JOIN info i ON i.id = p.current_trial_id WHERE i.participant_id <> p.id",
        "module_state m JOIN participant p ON p.id = m.participant_id WHERE m.finished <> p.complete",
        "notification n LEFT JOIN participant p USING (assignment_id) WHERE p.id IS NULL OR p.end_time IS NULL",
    ):
        assert postgres.execute(made, f"SELECT count(*) FROM {broken}") == [(0,)], broken


def test_json_is_json(postgres, made):
    steps(made, seed=3)
    for table, column in (("info", "definition"), ("response", "metadata_"), ("module_state", "participated_networks")):
        texts = postgres.execute(made, f"SELECT {column} FROM {table}")
        assert all(json.loads(text) is not None for (text,) in texts)


def test_an_experiment_that_runs_gets_more_of_its_own(postgres):
    url = postgres.database("static", keys=True)
    newest = dict(postgres.execute(url, " UNION ALL ".join(f"SELECT '{t}', max(id) FROM {t}" for t in GROWN)))
    before, held = numbers(postgres, url), fingerprint(postgres, url, newest)
    simulator = steps(url, seed=4, into_existing=True)
    assert fingerprint(postgres, url, newest) == held
    grown = numbers(postgres, url) - before
    assert grown["participant"] == simulator.counts["participants"]
    assert grown["info"] == simulator.counts["trials"]
    assert dangling(postgres.connect(url)) == {}
    assert postgres.execute(url, "SELECT DISTINCT type, trial_maker_id FROM info") == [
        ("dallinger_experiment.experiment.AnimalTrial", "animals")
    ]


def test_an_experiment_without_trials_gets_nodes_and_trials(postgres):
    url = postgres.database("timeline", keys=True)
    steps(url, seed=5, into_existing=True)
    assert dangling(postgres.connect(url)) == {}
    assert postgres.execute(url, "SELECT DISTINCT type FROM info") == [("dallinger_experiment.experiment.CustomTrial",)]
    assert postgres.execute(url, "SELECT count(*) FROM network WHERE head_id IS NULL") == [(0,)]


def test_writers_do_not_meet(postgres, made):
    writers = [threading.Thread(target=steps, args=(made, 100), kwargs={"seed": name}) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert numbers(postgres, made)["request"] >= 100
    assert dangling(postgres.connect(made)) == {}


@pytest.mark.each_version
def test_created_tables_are_psynets(postgres):
    columns = (
        "SELECT table_name, column_name, udt_name, is_nullable, column_default, ordinal_position "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 6"
    )
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    url, reference = postgres.empty(), postgres.database("static", rows=False)
    create(postgres.connect(url))
    assert postgres.execute(url, columns) == postgres.execute(reference, columns)
    assert postgres.execute(url, indexes) == postgres.execute(reference, indexes)


def test_a_created_launch_says_what_it_is(postgres):
    url = postgres.empty()
    given = create(postgres.connect(url), deployment_id="a-launch", label="A label")
    ((text,),) = postgres.execute(url, "SELECT vars FROM experiment")
    (status,) = postgres.execute(url, "SELECT creation_time::text, extra_info FROM experiment_status")
    assert given == "a-launch"
    assert (json.loads(text)["deployment_id"], json.loads(text)["label"]) == ("a-launch", "A label")
    assert times.clock_offset(*status) is not None
    other = postgres.empty()
    assert create(postgres.connect(other)) != create(postgres.connect(postgres.empty()))


def test_the_server_clock_is_kept(postgres):
    """A server three hours ahead of UTC goes on writing its own time."""
    url = postgres.empty()
    create(postgres.connect(url))
    ahead = "UPDATE experiment_status SET creation_time = (extra_info::json ->> 'now')::timestamptz AT TIME ZONE '-3'"
    postgres.execute(url, ahead)
    steps(url, 20)
    difference = "extract(epoch FROM max(creation_time) - (now() AT TIME ZONE 'UTC')) / 3600"
    assert postgres.execute(url, f"SELECT round(({difference})::numeric) FROM participant") == [(3,)]


def test_a_seed_repeats_itself_and_a_second_run_makes_new_people(postgres):
    people = "SELECT array_agg(unique_id ORDER BY id) FROM participant"
    made = [postgres.empty() for _ in range(3)]
    for url, seed in zip(made, ("x", "x", "y"), strict=True):
        create(postgres.connect(url))
        steps(url, 60, seed=seed)
    first, same, other = (postgres.execute(url, people)[0][0] for url in made)
    assert first == same
    assert not set(first) & set(other)
    steps(made[0], 60, seed="x")
    both = postgres.execute(made[0], people)[0][0]
    assert len(both) == len(set(both)) > len(first)


def test_people_of_others_are_left_alone(postgres):
    url = postgres.database("static")
    with pytest.raises(Conflict, match="did not make; --into-existing"):
        Simulator(url)
    assert numbers(postgres, url)["participant"] == 15


def test_a_database_restored_over_ours_is_not_ours(postgres):
    url = postgres.empty()
    create(postgres.connect(url))
    steps(url, 20)
    steps(url, 20)  # ours: goes on
    postgres.execute(url, 'UPDATE experiment SET vars = \'{"deployment_id": "someone\'\'s", "x": NaN}\'')
    with pytest.raises(Conflict):
        Simulator(url)


def test_a_launch_nobody_joined_yet(postgres):
    url = postgres.database("static", rows=False)
    steps(url, 40)
    steps(url, 40)  # it noted that the people there are its own
    assert dangling(postgres.connect(url)) == {}


def test_what_is_no_psynet_database(postgres):
    url = postgres.empty()
    with pytest.raises(BadInput, match=r"not a PsyNet database: it has no table experiment\. --create makes"):
        Simulator(url)
    postgres.execute(url, "CREATE TABLE one (id int)")
    with pytest.raises(Conflict, match="needs an empty database; this one holds 1 tables"):
        create(postgres.connect(url))


def test_a_missing_right_is_named(postgres):
    url = postgres.empty()
    create(postgres.connect(url))
    reader = postgres.role(url, "SELECT ON ALL TABLES IN SCHEMA public")
    with Simulator(reader) as simulator, pytest.raises(Refused, match="permission denied for"):
        simulator.step()


def test_a_rule_of_the_experimenters_is_named_without_values(postgres):
    url = postgres.empty()
    create(postgres.connect(url))
    postgres.execute(url, "ALTER TABLE participant ADD CONSTRAINT no_bots CHECK (mode = 'live')")
    with Simulator(url) as simulator, pytest.raises(BadInput) as raised:
        simulator.step()
    assert str(raised.value) == (
        "The database does not accept a row as PsyNet 13.3 writes it (table participant, no_bots)."
    )
    assert numbers(postgres, url)["participant"] == 0


def test_a_step_is_whole_or_not_at_all(postgres):
    """The last row of the first step is refused: the ones before it are not there either."""
    url = postgres.empty()
    create(postgres.connect(url))
    postgres.execute(url, "ALTER TABLE request ADD CONSTRAINT nobody CHECK (false)")
    with Simulator(url) as simulator, pytest.raises(BadInput, match="table request, nobody"):
        simulator.step()
    assert set(numbers(postgres, url).values()) == {0}


def test_a_server_that_goes_away(own_postgres):
    url = own_postgres.empty()
    create(own_postgres.connect(url))
    with Simulator(url) as simulator:
        simulator.step()
        own_postgres.stop()
        with pytest.raises(Unreachable):
            simulator.step()
        with pytest.raises(Unreachable):
            Simulator(url)
        own_postgres.start()
        steps(url, 5)


def test_a_caller_keeps_its_connection(postgres):
    connection = postgres.connect(postgres.empty())
    create(connection)
    with Simulator(connection) as simulator:
        simulator.step()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM participant")
        assert cursor.fetchone() == (1,)
    connection.close()
    with pytest.raises(psycopg2.InterfaceError):
        connection.cursor()


def test_run_keeps_its_rate_and_stops_when_told(postgres):
    url = postgres.empty()
    create(postgres.connect(url))
    with Simulator(url) as simulator:
        simulator.run(rate=100, seconds=0.5)
        assert 0 < simulator.transactions <= 50
        assert (simulator.transactions - 1) / 100 <= simulator.seconds
        stop = threading.Event()
        writer = threading.Thread(target=simulator.run, kwargs={"rate": 1, "stop": stop})
        writer.start()
        stop.set()
        writer.join(30)
        assert not writer.is_alive()
    told = simulator.summary()
    assert told["transactions"] == simulator.transactions
    assert 0 < told["latency_ms"]["median"] <= told["latency_ms"]["p95"] <= told["latency_ms"]["worst"]
