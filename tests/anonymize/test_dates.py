"""Which cells of a row are times."""

import pytest

from psynetdata.anonymize.rows.dates import Dates
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.rows.owners import People
from psynetdata.psynet.tables import Column

from .conftest import KEY, Tables


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
