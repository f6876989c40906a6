"""Write to a PostgreSQL as a running PsyNet experiment does; for tests, the demonstration and long runs.

It does not belong to the product: only `python -m tools.simulator`, tests and benchmarks call it.
"""

from .creation import create
from .references import dangling, dangling_in
from .simulator import Simulator

__all__ = ["Simulator", "create", "dangling", "dangling_in"]
