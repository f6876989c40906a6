"""The kinds of faults. Each is one function that breaks something, and repairs only what no program could repair."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

from .desk import Violation
from .worlds import World, copy_of_data, remove, room

Fault = Callable[[World, Random], str]
_SHORT, _LONG = (0.2, 3.0), (3.0, 8.0)  # seconds
_JUMPS = (("minute", 60), ("hour", 3600), ("day", 86_400), ("month", 30 * 86_400), ("year", 365 * 86_400))
_UNPUBLISHED = ("snapshots/", "manifests/")
KINDS: dict[str, tuple[Fault, Callable[[World], bool], bool]] = {}


def kind(needs: Callable[[World], bool] = lambda world: True, *, cheap: bool = False):
    """Decorator: `needs` says in which worlds it can happen; `cheap`: soon over, for the run in CI."""

    def register(function: Fault) -> Fault:
        KINDS[function.__name__.replace("_", " ")] = (function, needs, cheap)
        return function

    return register


def possible(world: World, *, only_cheap: bool) -> list[str]:
    return [name for name, (_, needs, cheap) in KINDS.items() if needs(world) and (cheap or not only_cheap)]


def strike(name: str, world: World, rng: Random) -> str:
    """Let a fault happen; return what was done, in a few words."""
    return KINDS[name][0](world, rng)


def _kill(world: World, rng: Random, group: str) -> str:
    found = world.desk.processes(group)
    if not found:
        return "there was none"
    with suppress(ProcessLookupError):
        os.kill(rng.choice(found), signal.SIGKILL)
    return "killed"


@kind(cheap=True)
def kill_web(world: World, rng: Random) -> str:
    return _kill(world, rng, "web")


@kind(cheap=True)
def kill_cluster(world: World, rng: Random) -> str:
    return _kill(world, rng, "cluster")


@kind(cheap=True)
def kill_worker(world: World, rng: Random) -> str:
    return _kill(world, rng, "worker")


@kind(cheap=True)
def kill_child_of_a_worker(world: World, rng: Random) -> str:
    """An export's processes live for seconds; one is begun so that there are some."""
    world.desk.ask("/api/exports/", {"deployment": world.source.deployment_id, "n_parallel": 2})
    deadline = time.monotonic() + 8
    while not world.desk.processes("child") and time.monotonic() < deadline:
        time.sleep(0.02)
    return _kill(world, rng, "child")


@kind()
def kill_serve(world: World, rng: Random) -> str:
    """The service manager of the machine starts it again."""
    host = rng.randrange(world.desk.hosts)
    world.desk.serving[host].kill()
    world.desk.serving[host].wait()
    time.sleep(2)
    world.desk.start()
    return f"host {host + 1}"


@kind(cheap=True)
def stop_a_process(world: World, rng: Random) -> str:
    found = world.desk.processes("all")
    seconds = rng.uniform(*rng.choice((_SHORT, _LONG, (16.0, 20.0))))
    if not found:
        return "there was none"
    pid = rng.choice(found)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
    return f"{seconds:.0f} s"


@kind(cheap=True)
def end_backends_of_the_source(world: World, rng: Random) -> str:
    """The desk is connected only while it reads; a snapshot is requested so that it does."""
    world.desk.ask("/api/snapshots/", {"deployment": world.source.deployment_id, "full": True})
    deadline = time.monotonic() + 8
    while not (ended := world.source.end_backends()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return f"{ended} connections"


@kind()
def kill_the_source(world: World, rng: Random) -> str:
    world.source.server.stop(how=signal.SIGQUIT)
    time.sleep(rng.uniform(*_SHORT))
    world.source.server.start()
    return "started again"


@kind(cheap=True)
def cut_a_line(world: World, rng: Random) -> str:
    name = rng.choice(sorted(world.lines))
    line, deadline = world.lines[name], time.monotonic() + 4
    while not line.is_used and time.monotonic() < deadline:
        time.sleep(0.01)
    line.refusing = True
    count = line.cut()
    time.sleep(rng.uniform(*_SHORT))
    line.refusing = False
    return f"{name}, {count} connections"


@kind(cheap=True)
def stall_a_line(world: World, rng: Random) -> str:
    name = rng.choice(sorted(world.lines))
    line, seconds = world.lines[name], rng.uniform(*rng.choice((_SHORT, _LONG)))
    line.stalled = True
    time.sleep(seconds)
    line.stalled = False
    if rng.random() < 0.5:
        line.cut()  # as a firewall that forgot the connection
    return f"{name}, {seconds:.0f} s"


@kind(lambda world: world.site_server is not None)
def kill_the_site_database(world: World, rng: Random) -> str:
    """Its files are safe: it runs with fsync off, and only the process dies, not the machine."""
    world.site_server.stop(how=signal.SIGQUIT)
    time.sleep(rng.uniform(*_SHORT))
    world.site_server.start()
    return "started again"


@kind(lambda world: world.redis is not None)
def kill_redis(world: World, rng: Random) -> str:
    world.redis.kill()
    time.sleep(rng.uniform(*_SHORT))
    world.redis.start()
    return "all messages lost"


@kind(lambda world: world.disk is not None, cheap=True)
def full_disk(world: World, rng: Random) -> str:
    filler, seconds = world.disk / "filler", rng.uniform(*rng.choice((_SHORT, _LONG)))
    deadline = time.monotonic() + seconds
    with filler.open("wb", buffering=0) as file:
        while time.monotonic() < deadline:
            with suppress(OSError):
                file.write(bytes(max(4096, min(1 << 24, room(world.disk)))))
                continue
            time.sleep(0.02)
    filler.unlink()
    return f"{seconds:.0f} s"


@kind(lambda world: world.storage is not None and "the storage" not in world.lines, cheap=True)
def another_folder_as_storage(world: World, rng: Random) -> str:
    """As a disk that is not mounted: the folder is there and empty. Nothing may be written to it."""
    away = world.storage.with_name("storage-away")
    world.storage.rename(away)
    try:
        world.storage.mkdir()
        time.sleep(rng.uniform(*_LONG))
        written = sorted(str(path.relative_to(world.storage)) for path in world.storage.rglob("*") if path.is_file())
    finally:
        remove(world.storage)
        with suppress(FileNotFoundError):
            away.rename(world.storage)
    # A job that was running may write blobs and a manifest; no row says that they were stored (nothing_lost).
    strangers = [name for name in written if not name.endswith(".part") and not name.startswith(_UNPUBLISHED)]
    if strangers:
        raise Violation(f"{len(strangers)} files were published in a storage without the id, like {strangers[0]}")
    return f"{len(written)} files of a job that was running went there, and none was published"


@kind(lambda world: world.clock is not None, cheap=True)
def clock_jump(world: World, rng: Random) -> str:
    """Of minutes to a year, in both directions; half of the time it is set right soon."""
    unit, seconds = rng.choice(_JUMPS)
    number = rng.choice((-1, 1)) * rng.randint(1, 3 if unit != "year" else 1)
    world.set_clock(number * seconds)
    if rng.random() < 0.5:
        time.sleep(rng.uniform(*_LONG))
        world.set_clock(0)
        return f"{number:+d} {unit} and back"
    return f"{number:+d} {unit}"


@kind(lambda world: world.name == "laptop")
def hot_copy(world: World, rng: Random) -> str:
    """A copy of DATA_DIR, made while everything writes, opens elsewhere and reports what it lacks."""
    copy = copy_of_data(world)
    done = world.desk.command("verify", "--all", DATA_DIR=str(copy))
    listed = world.desk.command("snapshot", "list", DATA_DIR=str(copy))
    remove(copy)
    if listed.returncode:
        raise Violation(f"a hot copy does not open: {listed.stderr.strip()}")
    return f"opens; verify ended with {done.returncode}"


@kind(cheap=True)
def migrations_while_workers_run(world: World, rng: Random) -> str:
    done = world.desk.command("migrate", "-v0")
    if done.returncode:
        raise Violation(f"migrate failed under running workers: {done.stderr.strip()}")
    return "migrate"
