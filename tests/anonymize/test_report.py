"""What a report says that still allows linking."""

import pytest

from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.rows.report import linkable

INTERVALS = "intervals between the times of one participant"


@pytest.mark.parametrize(
    ("options", "stay"),
    [
        (Options(), False),
        (Options(shift_dates=True), True),
        (Options(coarsen="day"), False),
        (Options(shift_dates=True, coarsen="day"), False),
    ],
)
def test_intervals_are_named_where_only_the_dates_moved(options, stay):
    assert (INTERVALS in linkable("shared", options)) == stay
