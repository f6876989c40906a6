"""What the compiled needles find in one buffer."""

import pytest

from exports.leakscan.search.matcher import Matcher

from .samples import needles


@pytest.mark.parametrize("start", ["first", "second", "third"])
def test_long_values_that_end_alike_are_told_apart_by_their_start(start):
    end = "-take-2c51341e-e8bf-4ca3-a0c2-0123456789abcdef-of-the-same-recording"
    matcher = Matcher(needles(worker_id=[f"first{end}", f"second{end}", f"third{end}"]))
    found = {matcher.needles[hit.needle].value for hit in matcher.hits(f"see {start}{end} here".encode())}
    assert found == {start + end}
