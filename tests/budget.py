"""How long tests with random input go on: some seconds in the suite, with no limit and further at night.

`make test-nightly` sets NIGHTLY.
"""

import os
import time
from collections.abc import Iterator

NIGHTLY = bool(os.environ.get("NIGHTLY"))
_FURTHER = 10


def rounds(most: int, *, seconds: float) -> Iterator[int]:
    """Count from 0 to `most`; a round that would begin after these seconds is left out. At night ten times as far."""
    deadline = time.monotonic() + seconds
    for number in range(most * _FURTHER if NIGHTLY else most):
        if number and not NIGHTLY and time.monotonic() > deadline:
            return
        yield number
