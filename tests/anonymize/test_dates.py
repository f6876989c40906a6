"""Which cells of a row are times."""

import pytest

from psynetdata.anonymize.rows.dates import Dates
from psynetdata.anonymize.rows.options import Options
from psynetdata.psynet.ownership.people import People
from psynetdata.psynet.tables import Column

from .conftest import KEY, Anonymized, Tables


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date", "text", None])
def test_a_cell_is_a_time_by_its_type_its_rule_or_its_look(kind):
    dates = Dates(KEY, Options(shift_dates=True), People.from_source(Tables(participant=[{"id": "1"}])))
    columns = [Column("participant_id", "int4", False), Column("at", kind, False), Column("ruled", kind, False)]
    cells = ["1", "2026-11-22 09:00:00", "2026-11-22 09:00:00"]
    out = list(cells)
    dates.table("visit", columns, {"ruled"}).row(cells, out)
    assert out[0] == "1"
    assert out[2] != cells[2]
    assert out[2].endswith(" 09:00:00")
    assert out[1] == (cells[1] if kind == "text" else out[2])


def test_rows_that_name_nobody_shift_with_the_participant_of_the_rows_that_they_point_to():
    moment, year = "2026-11-22 09:00:00", "2026-01-01 00:00:00"
    row = {"creation_time": moment, "details": "{}"}
    found = Anonymized(
        Tables(
            participant=[{"id": "1", **row}, {"id": "2", **row}],
            info=[{"id": "5", "participant_id": "1", **row}],
            process=[{"id": "1", "trial_id": "5", **row}, {"id": "2", **row}],
            asset_trial=[{"asset_id": "3", "trial_id": "5", **row}],
            # The chain is shared: a node is made when someone's trial ends, and would show that person's shift.
            network=[{"id": "1", **row}, {"id": "2", "participant_id": "2", **row}],
            node=[{"id": "1", "network_id": "1", "participant_id": "1", **row}, {"id": "2", "network_id": "2", **row}],
        ),
        options=Options(shift_dates=True),
    )
    times = {table: [each["creation_time"] for each in rows] for table, rows in found.after.items()}
    first, second = times["participant"]
    assert len({first, second, moment, year}) == 4
    assert (times["process"], times["asset_trial"]) == ([first, year], [first])
    assert (times["network"], times["node"]) == ([year, second], [year, second])
    assert found.anonymizer.report()["dates"]["rows"] == {"of a participant": 7, "of nobody": 3}


def test_times_that_are_only_cut_need_no_participant():
    found = Anonymized(Tables(participant=[{"id": "1", "details": "{}"}]), options=Options(coarsen="day"))
    assert found.anonymizer.report()["dates"].keys() == {"how"}
