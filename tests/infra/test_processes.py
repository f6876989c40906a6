"""Tasks over forked workers: results, errors, cancel, and death on either side."""

import os
import signal
import subprocess
import sys

import pytest

from psynetdata.infra.processes import WorkerDied, cores, pool
from psynetdata.psynet.problems import BadInput, Cancelled


def times(context, task):
    return context["factor"] * task, os.getpid()


def refuse(context, task):
    raise BadInput(f"{task} is not what it should be.")


def fall(context, task):
    raise Unpicklable(lambda: None)


class Unpicklable(Exception):
    pass


def die(context, task):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_each_task_is_done_once_whatever_the_number_of_processes(processes):
    with pool(processes, {"factor": 3}) as workers:
        found = list(workers.each(times, range(50)))
        again = list(workers.each(times, iter([7])))
    assert sorted(value for value, _ in found) == [3 * n for n in range(50)]
    assert [value for value, _ in again] == [21]
    assert (os.getpid() in {pid for _, pid in found}) == (processes == 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_exception_of_a_task_is_raised_to_the_caller(processes):
    with pytest.raises(BadInput, match="4 is not what it should be"), pool(processes) as workers:
        list(workers.each(refuse, [4]))


def test_an_error_that_cannot_be_pickled_is_reported_by_its_kind():
    with pytest.raises(RuntimeError, match="Unpicklable") as caught, pool(2) as workers:
        list(workers.each(fall, [1]))
    assert "in fall" in caught.value.__notes__[0]


def test_a_killed_worker_is_reported_and_nobody_waits():
    with pytest.raises(WorkerDied, match="killed from outside"), pool(2) as workers:
        list(workers.each(die, [1, 2, 3]))


def wait_for_ever(context, task):
    signal.pause()


def test_a_cancelled_job_stops_busy_workers():
    checks = iter([None, None])

    def check():
        if next(checks, "over") == "over":
            raise Cancelled("It was cancelled.")

    with pytest.raises(Cancelled), pool(2, check_cancelled=check) as workers:
        list(workers.each(wait_for_ever, [1, 2]))


ORPHAN = """
import os, signal
from tests.infra.test_processes import wait_for_ever
from psynetdata.infra.processes import pool
with pool(2) as workers:
    print(*[worker._process.pid for worker in workers._workers], flush=True)
    list(workers.each(wait_for_ever, [1, 2]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_end_when_their_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True) as parent:
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.kill()
        parent.wait()
        assert parent.stdout.read() == ""  # closed by the last who held it: the workers are gone


def test_only_usable_cores_are_counted():
    assert 1 <= cores() <= os.cpu_count()
