"""A pytest plugin: where the suite's seconds go, as tables by folder, file, test and fixture.

`pytest -n 2 -p tests.durations --durations-table FILE` writes them at the end of a run. Seconds are wall time, added up
over all workers: on n workers a run takes about an n-th of the sum.
"""

import time
from collections import defaultdict
from pathlib import Path

import pytest

_PHASES = ("setup", "call", "teardown")
_FIXTURE = "fixture-seconds"
_LONGEST = 60


def pytest_addoption(parser):
    parser.addoption("--durations-table", metavar="FILE", help="write the seconds by folder, file, test and fixture")


def pytest_configure(config):
    if config.getoption("durations_table"):
        config.pluginmanager.register(_Durations(config), "durations-table")


class _Durations:
    def __init__(self, config):
        self.config = config
        self.item = None  # the test being set up: the first to ask for a shared fixture pays for it
        self.reports = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        self.item = item

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """The fixtures that this one names are set up before; what it asks for by getfixturevalue counts twice."""
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - began
            if self.item is not None:
                self.item.user_properties.append((_FIXTURE, (fixturedef.argname, seconds)))

    def pytest_runtest_logreport(self, report):
        self.reports.append(report)

    def pytest_sessionfinish(self):
        if not hasattr(self.config, "workerinput"):
            Path(self.config.getoption("durations_table")).write_text(_tables(self.reports), encoding="utf-8")


def _tables(reports) -> str:
    tests: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_PHASES, 0.0))
    fixtures: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        tests[report.nodeid][report.when] += report.duration
        if report.when == "teardown":  # the properties grow from phase to phase; this report has them all
            for name, value in report.user_properties:
                if name == _FIXTURE:
                    fixtures[value[0]].append(value[1])
    by_folder = _grouped(tests, lambda node: str(Path(node.split("::")[0]).parent))
    by_file = _grouped(tests, lambda node: node.split("::")[0])
    parts = [
        _phases("folder", by_folder),
        _phases("file", by_file, _LONGEST),
        _phases("test", {node: (1, seconds) for node, seconds in tests.items()}, _LONGEST),
    ]
    return "\n".join([*parts, _of_fixtures(fixtures)])


def _grouped(tests, name_of):
    """name → (number of tests, their seconds by phase)."""
    groups: dict[str, tuple[int, dict[str, float]]] = {}
    for node, seconds in tests.items():
        count, total = groups.get(name_of(node), (0, dict.fromkeys(_PHASES, 0.0)))
        groups[name_of(node)] = (count + 1, {phase: total[phase] + seconds[phase] for phase in _PHASES})
    return groups


def _phases(title: str, groups, most: int | None = None) -> str:
    ranked = sorted(groups.items(), key=lambda entry: -sum(entry[1][1].values()))[:most]
    lines = [f"{'total':>8} {'setup':>8} {'call':>8} {'teardown':>8} {'tests':>6}  {title}"]
    for name, (count, seconds) in ranked:
        columns = " ".join(f"{seconds[phase]:8.1f}" for phase in _PHASES)
        lines.append(f"{sum(seconds.values()):8.1f} {columns} {count:6}  {name}")
    everything = sum(sum(seconds.values()) for _, seconds in groups.values())
    lines.append(f"{everything:8.1f} in all")
    return "\n".join(lines) + "\n"


def _of_fixtures(fixtures: dict[str, list[float]]) -> str:
    lines = [f"{'total':>8} {'longest':>8} {'times':>6}  fixture (its own setup)"]
    for name, seconds in sorted(fixtures.items(), key=lambda entry: -sum(entry[1]))[:_LONGEST]:
        lines.append(f"{sum(seconds):8.1f} {max(seconds):8.1f} {len(seconds):6}  {name}")
    return "\n".join(lines) + "\n"
