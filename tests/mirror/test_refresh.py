"""The mirror on its own: from rows to models and back, and only what differs is touched."""

import hashlib
import io
import threading
from zipfile import ZipFile

import pytest
from django.db import connections

from psynetdata.faces import IDENTIFIED, reading, writing
from psynetdata.mirror import Transform, columns, refresh, scratch, shows
from psynetdata.mirror.bulk_writer import rows_of
from psynetdata.mirror.conversion import model_of, to_source
from psynetdata.models import Deployment, MirroredTable, Participant, Record, Trial
from psynetdata.psynet import csvtext, tables
from psynetdata.psynet.problems import Cancelled, Problem
from psynetdata.psynet.tables import UNMIRRORED_TABLES
from tests.references import REFERENCES

pytestmark = [pytest.mark.django_db(databases="__all__", transaction=True), pytest.mark.each_database]

AS_IT_IS = Transform("as it is")


class Source:
    """Tables held in memory as lists of records; every state ever shown is remembered, as a store does."""

    def __init__(self, found: dict[str, list[bytes]]):
        self.headers = {table: csvtext.parse(records[0]) for table, records in found.items()}
        self.records = {table: self._order(table, records[1:]) for table, records in found.items()}
        self.remembered = {}

    def _order(self, table, records):
        if not self.has_ids(table):
            return sorted(records)
        position = self.headers[table].index("id")
        return sorted(records, key=lambda record: int(csvtext.parse(record)[position]))

    def tables(self):
        return sorted(self.records)

    def columns(self, table):
        return tables.describe(table, self.headers[table])

    def state(self, table):
        name = hashlib.sha256(b"\n".join(self.records[table])).hexdigest()
        self.remembered[name] = list(self.records[table])
        return name

    def row_count(self, table):
        return len(self.records[table])

    def has_ids(self, table):
        return "id" in self.headers[table] and table != "barrier"

    def changes(self, table, old):
        now = list(self.records[table])
        before = self.remembered[old] if old else None
        yield (lambda: before) if old else None, lambda: now


@pytest.fixture
def source(database_zip):
    def read(name: str) -> Source:
        found = {}
        with ZipFile(database_zip(name)) as archive:
            for member in archive.namelist():
                if member.startswith("data/"):
                    stream = io.BytesIO(archive.read(member))
                    found[member[5:-4]] = list(csvtext.records(stream))
        return Source(found)

    return read


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="a-launch", clock_offset=0)


def cells_of(records):
    return sorted(map(tuple, csvtext.rows(records)), key=repr)


def mirrored_cells(deployment, table, clock=0, face=IDENTIFIED):
    names = [name for name, *_ in columns(face, deployment, table)]
    found = rows_of(face, model_of(table), table, deployment.number)
    return sorted((tuple(to_source(row, names, clock)) for row in found), key=repr)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("clock", [0, 330])
def test_every_row_is_given_back_text_for_text(source, deployment, name, clock):
    deployment.clock_offset = clock
    tables_in = source(name)
    counts = refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert set(counts) == set(tables_in.tables()) - set(UNMIRRORED_TABLES)
    for table, count in counts.items():
        assert count == tables_in.row_count(table)
        assert mirrored_cells(deployment, table, clock) == cells_of(tables_in.records[table])


def test_typed_columns_hold_what_people_filter_by(source, deployment):
    refresh(IDENTIFIED, deployment, source("static"), AS_IT_IS)
    found = Trial.objects.using(IDENTIFIED).get(deployment_number=deployment.number, id=7)
    assert (found.participant_id, found.score, found.finalized, found.class_name) == (1, 1.0, True, "AnimalTrial")
    assert found.creation_time.isoformat() == "2026-11-22T08:12:50.644944+00:00"
    moment = found.creation_time
    assert Trial.objects.using(IDENTIFIED).get(creation_time=moment) == found
    assert found.definition == '{"animal": "dogs", "text_color": "red"}'
    assert found.rest_columns["progress_after_trial"] == "0.5526315789473685"


def test_null_and_empty_text_stay_apart(source, deployment):
    refresh(IDENTIFIED, deployment, source("static"), AS_IT_IS)
    bot = Participant.objects.using(IDENTIFIED).get(id=14)
    assert (bot.hit_id, bot.client_ip_address) == ("", "")
    assert bot.rest_columns["fingerprint_hash"] is None


def test_odd_values_keep_their_text(source, deployment):
    tables_in = source("static")
    header = tables_in.headers["participant"]
    cells = csvtext.parse(tables_in.records["participant"][0])
    odd = {
        "creation_time": "infinity",
        "progress": "NaN",
        "bonus": "1.50",
        "time_of_death": "2026-11-22 08:00:00+02",
        "failed": "yes",
        "module_state_id": "99999999999999999999",
        "vars": '{"a": NaN, "b": "\\u0000"',
    }
    for name, text in odd.items():
        cells[header.index(name)] = text
    tables_in.records["participant"][0] = csvtext.format_row(cells)
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert mirrored_cells(deployment, "participant") == cells_of(tables_in.records["participant"])
    row = Participant.objects.using(IDENTIFIED).get(id=1)
    assert (row.creation_time, row.progress, row.bonus, row.failed) == (None, None, 1.5, None)


def test_only_rows_that_differ_are_touched(source, deployment):
    tables_in = source("static_audio")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    keys = dict(Record.objects.using(IDENTIFIED).values_list("identity", "key"))
    trials = tables_in.records["info"]
    trials[3] = trials[3].replace(b"2.0}", b"2.5}")
    gone = trials.pop(10)
    links = tables_in.records["asset_trial"]
    links.append(links[5])  # a second row of the same text
    lost = links.pop(7)
    links.sort()
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert mirrored_cells(deployment, "info") == cells_of(trials)
    assert mirrored_cells(deployment, "asset_trial") == cells_of(links)
    after = dict(Record.objects.using(IDENTIFIED).values_list("identity", "key"))
    assert len(set(keys.items()) - set(after.items())) == 1
    assert len(set(after.items()) - set(keys.items())) == 1
    assert gone not in trials
    assert lost not in links


def test_nothing_changed_touches_nothing(source, deployment, django_assert_max_num_queries):
    tables_in = source("static")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    with django_assert_max_num_queries(4, using=IDENTIFIED):
        refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)


def test_a_table_that_is_gone_and_one_with_other_columns(source, deployment):
    tables_in = source("custom_table_simple")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    del tables_in.records["coin"]
    tables_in.headers["node"] = ["id", "shape"]
    tables_in.records["node"] = [b"1,round", b"2,"]
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert not Record.objects.using(IDENTIFIED).filter(table="coin").exists()
    assert "coin" not in shows(IDENTIFIED, deployment)
    assert mirrored_cells(deployment, "node") == [("1", "round"), ("2", None)]


def test_a_corrected_clock_moves_every_time(source, deployment):
    tables_in = source("static")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    before = Trial.objects.using(IDENTIFIED).get(id=7).creation_time
    deployment.clock_offset = 60
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert (before - Trial.objects.using(IDENTIFIED).get(id=7).creation_time).total_seconds() == 3600


def test_two_deployments_do_not_meet(source, deployment):
    other = Deployment.objects.create(deployment_id="another", clock_offset=0)
    refresh(IDENTIFIED, deployment, source("static"), AS_IT_IS)
    refresh(IDENTIFIED, other, source("timeline"), AS_IT_IS)
    assert Participant.objects.using(IDENTIFIED).filter(deployment_number=deployment.number).count() == 15
    assert Participant.objects.using(IDENTIFIED).filter(deployment_number=other.number).count() == 7


def test_a_refresh_that_is_stopped_changes_nothing(source, deployment):
    tables_in = source("static")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    shown, rows = shows(IDENTIFIED, deployment), mirrored_cells(deployment, "info")
    tables_in.records["info"] = tables_in.records["info"][:50]
    tables_in.records["participant"] = [
        record.replace(b"approved", b"returned") for record in tables_in.records["participant"]
    ]

    def stop(table, rows):
        if table == "participant":
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS, on_progress=stop)
    assert shows(IDENTIFIED, deployment) == shown
    assert mirrored_cells(deployment, "info") == rows


def test_counts_that_disagree_are_a_problem(source, deployment):
    tables_in = source("static")
    tables_in.row_count = lambda table: len(tables_in.records[table]) + (table == "node")
    with pytest.raises(Problem, match="table node would have 12 rows, but its source has 13"):
        refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert not MirroredTable.objects.using(IDENTIFIED).exists()


def test_a_reader_sees_one_moment(source, deployment):
    """A long read that began before a refresh goes on seeing what it saw, and does not make it wait."""
    tables_in = source("static")
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    with reading(IDENTIFIED):
        assert Trial.objects.using(IDENTIFIED).count() == 130
        tables_in.records["info"] = tables_in.records["info"][:50]

        def other():
            refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
            connections.close_all()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
        assert Trial.objects.using(IDENTIFIED).count() == 130
    assert Trial.objects.using(IDENTIFIED).count() == 50


def test_a_second_writer_waits_its_turn_and_can_be_stopped(source, deployment):
    if connections[IDENTIFIED].vendor != "sqlite":
        pytest.skip("PostgreSQL's writers do not wait for each other")
    tables_in = source("static")
    asked = []

    def look(table, rows):
        asked.append(table)
        if len(asked) == 2:
            raise Cancelled("Stopped.")

    with writing(IDENTIFIED), pytest.raises(Cancelled):
        refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS, on_progress=look)
    assert asked == ["", ""]
    refresh(IDENTIFIED, deployment, tables_in, AS_IT_IS)
    assert Trial.objects.using(IDENTIFIED).count() == 130


def test_a_scratch_mirror_is_gone_afterwards(source, deployment, settings):
    with scratch() as alias:
        refresh(alias, deployment, source("timeline"), AS_IT_IS)
        with reading(alias):
            assert Participant.objects.using(alias).count() == 7
    assert not Participant.objects.using(IDENTIFIED).exists()
    assert not list(settings.TEMP_DIR.glob("scratch-*"))


def test_a_reading_within_a_reading_is_of_the_same_moment(source, deployment):
    refresh(IDENTIFIED, deployment, source("static"), AS_IT_IS)
    with reading(IDENTIFIED):
        with reading(IDENTIFIED):
            assert Trial.objects.using(IDENTIFIED).count() == 130
        assert Trial.objects.using(IDENTIFIED).count() == 130
    with reading(IDENTIFIED):
        assert Trial.objects.using(IDENTIFIED).count() == 130
