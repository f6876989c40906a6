"""The cost of a source on a server next to one that is reached directly, and of its logs, over loopback.

    python -m benchmarks.ssh              # logs of 2 GB
    python -m benchmarks.ssh --megabytes 200

Needs Debian's openssh-server. Uses a separate desk in a temporary folder; `docker` on the server is the tests'
replacement. CPU is that of this process and of the ssh that it starts, without sshd, which shares the cores.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

MB = 1_000_000


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--megabytes", type=int, default=2000)
    megabytes = asked.parse_args().megabytes
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        os.environ |= {"DATA_DIR": f"{folder}/desk", "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        import django

        django.setup()
        from tests.servers import Postgres, Server
        from tests.ssh.conftest import Lab

        with Server(18) as server:
            lab = Lab(Path(folder) / "lab", Postgres(server))
            try:
                measure(lab, server, Path(folder), megabytes)
            finally:
                lab.close()


def measure(lab, server, folder: Path, megabytes: int) -> None:
    from exports.capture.take import take
    from exports.operations import deployments
    from exports.server import log_search, logs

    app = lab.app()
    direct = deployments.add(server.url(app)).deployment
    take(direct)
    for _ in range(3):
        timed("quiet snapshot, directly", lambda: take(direct))
    deployments.archive(direct)
    running = lab.add(app)
    for _ in range(3):
        timed("quiet snapshot, through ssh", lambda: take(running))
    file = lab.home / "dallinger" / app / "logs.jsonl"
    written(file, megabytes)
    packed = folder / "yardstick.gz"
    known = f"-o StrictHostKeyChecking=no -o UserKnownHostsFile={folder}/known"
    login = f"-q -i {lab.server.key_file} -p {lab.server.port} {known}"
    yardstick = f"ssh {login} {lab.server.user}@127.0.0.1 cat {file} | gzip -1 > {packed}"
    timed("ssh cat | gzip -1", lambda: subprocess.run(yardstick, shell=True, check=True))
    row = timed("logs read and kept", lambda: logs.fetch(running))
    timed("read again, nothing new", lambda: logs.fetch(running))
    timed("a search without a hit, one page of it", lambda: log_search.search(row, "no such words"))
    timed("written for an export", lambda: sum(len(part) for part in logs.all_of(row)))
    print(f"{row.bytes / MB:.0f} MB in {len(row.parts)} parts")


def written(file: Path, megabytes: int) -> None:
    lines = (
        {"timestamp": f"2026-11-02T09:{n // 60 % 60:02}:{n % 60:02}.123Z", "level": "INFO", "logger": "psynet.timeline",
         "message": f"Participant {n * 7919 % 100003} finished page {n} with answer {n * 104729 % 1000003:x}"}
        for n in range(60_000)
    )  # fmt: skip
    block = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file.parent.mkdir(parents=True)
    with file.open("wb") as out:
        while out.tell() < megabytes * MB:
            out.write(block)


def timed(what: str, do: Callable):
    before, began = cpu(), perf_counter()
    result = do()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what:<40} {perf_counter() - began:7.2f} s   CPU {cpu() - before:6.2f} s   peak {peak} MiB", flush=True)
    return result


def cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    main()
