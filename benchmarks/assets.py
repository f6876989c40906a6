"""The cost of fetching asset files over loopback, compared with usual tools and with fetching one by one.

    python -m benchmarks.assets              # all of it
    python -m benchmarks.assets sftp s3      # some: sftp, s3, large

Needs Debian's openssh-server, openssh-sftp-server and Swift's packages. Each of our measurements is a process with its
own desk: rows are planned, files fetched by eight workers, hashed, stored and recorded. `again` repeats it with nothing
new. CPU is only that of our process; the servers share the cores with it.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.assets.servers.ssh import SSHServer
from tests.assets.servers.swift import KEY, SECRET, Swift

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 8
_MB = 1e6


def main() -> None:
    chosen = sys.argv[1:] or ["sftp", "s3", "large"]
    if chosen[0] == "child":
        child(json.loads(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for name in chosen:
            {"sftp": sftp, "s3": s3, "large": large}[name](Path(folder))


def sftp(folder: Path) -> None:
    count, size = 500, 100_000
    files = make_files(folder / "sftp", count, size)
    server = SSHServer()
    try:
        print(f"\nSFTP, {count} files of {size // 1000} kB")
        login = ["-q", "-i", str(server.key_file), "-o", f"UserKnownHostsFile={known(server)}"]
        batch = folder / "batch"
        batch.write_text(f"get -r {files} {folder / 'got'}\n")
        of_sftp = timed(["sftp", *login, "-P", str(server.port), "-b", str(batch), f"{server.user}@127.0.0.1"])
        (folder / "tar").mkdir()
        remote = f"ssh {' '.join(login)} -p {server.port} {server.user}@127.0.0.1 tar -C {files} -cf - ."
        of_tar = timed(["sh", "-c", f"{remote} | tar -C {folder / 'tar'} -xf -"])
        place = {"assets_url": server.url(files), "assets_secret": "env:KEY", "assets_known_hosts": server.known_hosts}
        env = {"KEY": server.key}
        naive = ours(folder, "sftp-naive", place, count, size, env, naive="sftp")
        single = ours(folder, "sftp-1", place, count, size, env, workers=1)
        told = ours(folder, "sftp-8", place, count, size, env)
        line("sftp -b", of_sftp)
        line("tar over ssh", of_tar)
        line("one by one, django-storages", naive["seconds"])
        line("one by one, ours", single["seconds"])
        report(told, {"sftp -b": of_sftp, "tar": of_tar}, {"one by one": naive["seconds"], "ours": single["seconds"]})
    finally:
        server.close()


def s3(folder: Path) -> None:
    count, size = 2000, 20_000
    files = make_files(folder / "s3", count, size)
    server = Swift()
    try:
        client = server.client()
        client.create_bucket(Bucket="bench")
        for path in files.iterdir():
            client.put_object(Bucket="bench", Key=f"lab/{path.name}", Body=path.read_bytes())
        print(f"\nS3 (Swift), {count} files of {size // 1000} kB")
        place, env = (
            {"assets_url": server.url("bench", "lab")},
            {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET},
        )
        naive = ours(folder, "s3-naive", place, count, size, env, naive="s3")
        single = ours(folder, "s3-1", place, count, size, env, workers=1)
        told = ours(folder, "s3-8", place, count, size, env)
        line("one by one, django-storages", naive["seconds"])
        line("one by one, ours", single["seconds"])
        report(told, {}, {"one by one": naive["seconds"], "ours": single["seconds"]})
    finally:
        server.close()


def large(folder: Path) -> None:
    size = 1_000_000_000
    files = folder / "large"
    files.mkdir()
    with (files / "0").open("wb") as file:
        for _ in range(size // 1_000_000):
            file.write(os.urandom(1_000_000))
    server, swift = SSHServer(), Swift()
    try:
        print("\none file of 1 GB")
        swift.client().create_bucket(Bucket="large")
        with (files / "0").open("rb") as file:
            swift.client().put_object(Bucket="large", Key="0", Body=file)
        ssh = {"assets_url": server.url(files), "assets_secret": "env:KEY", "assets_known_hosts": server.known_hosts}
        env = {"KEY": server.key, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        for name, place in (
            ("file", {"assets_url": files.as_uri()}),
            ("sftp", ssh),
            ("s3", {"assets_url": swift.url("large")}),
        ):
            told = ours(folder, f"large-{name}", place, 1, size, env)
            print(f"{name:<30} {told['seconds']:7.2f} s, {told['memory'] / _MB:4.0f} MB at most")
    finally:
        server.close()
        swift.close()


# --- our side, in a separate process ---------------------------------------------------------


def ours(folder: Path, name: str, place: dict, count: int, size: int, env: dict, *, workers=WORKERS, naive="") -> dict:
    told = {"place": place, "count": count, "size": size, "workers": workers, "naive": naive}
    command = [sys.executable, "-m", "benchmarks.assets", "child", json.dumps(told)]
    own = {"DATA_DIR": str(folder / f"desk-{name}"), "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, env=os.environ | env | own)
    return json.loads(done.stdout.splitlines()[-1])


def child(told: dict) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from psynetdata.models import Deployment

    deployment = Deployment.objects.create(deployment_id="bench", **told["place"])
    run = one_by_one if told["naive"] else obtained
    first, again = run(deployment, told), None if told["naive"] else obtained(deployment, told)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({**first, "memory": memory, "again": again}))


def obtained(deployment, told: dict) -> dict:
    from exports.assets.plan import PlannedAsset
    from exports.assets.retrieval import obtain

    assets = [PlannedAsset(n + 1, str(n), str(n), size=told["size"]) for n in range(told["count"])]
    with tempfile.TemporaryDirectory(dir=os.environ["DATA_DIR"]) as folder:
        started, cpu = perf_counter(), sum(os.times()[:2])
        found = list(obtain(deployment, assets, Path(folder), n=told["workers"]))
        seconds, cpu = perf_counter() - started, sum(os.times()[:2]) - cpu
    assert sum(len(got.files) for _, got in found) == told["count"], found[0]
    fetched = sum(file.bytes for _, got in found if got.fresh for file in got.files)
    return {"seconds": seconds, "cpu": cpu, "fetched": fetched}


def one_by_one(deployment, told: dict) -> dict:
    """Fetch as a script with django-storages would: one connection, one file after another, as its backends do it."""
    from urllib.parse import urlsplit

    from psynetdata.env import storage as settings_of

    url = urlsplit(deployment.assets_url)
    if told["naive"] == "s3":
        from storages.backends.s3 import S3Storage

        storage = S3Storage(**settings_of(deployment.assets_url)["OPTIONS"])
    else:
        import io

        import paramiko
        from storages.backends.sftpstorage import SFTPStorage

        key = paramiko.Ed25519Key.from_private_key(io.StringIO(os.environ["KEY"]))
        storage = SFTPStorage(
            host=url.hostname, root_path=url.path, params={"port": url.port, "username": url.username, "pkey": key}
        )
    target = Path(os.environ["DATA_DIR"]) / "naive"
    target.mkdir()
    started, cpu = perf_counter(), sum(os.times()[:2])
    for number in range(told["count"]):
        with storage.open(str(number), "rb") as file:
            (target / str(number)).write_bytes(file.read())
    return {"seconds": perf_counter() - started, "cpu": sum(os.times()[:2]) - cpu, "fetched": 0}


# --- helpers ---------------------------------------------------------------------------------


def make_files(folder: Path, count: int, size: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / str(number)).write_bytes(os.urandom(size))
    return folder


def known(server: SSHServer) -> Path:
    path = server.folder / "known_hosts"
    path.write_text(server.known_hosts + "\n")
    return path


def timed(command: list[str]) -> float:
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def line(name: str, seconds: float) -> None:
    print(f"{name:<30} {seconds:7.2f} s")


def report(told: dict, slower: dict[str, float], faster: dict[str, float]) -> None:
    line("ours, eight at a time", told["seconds"])
    print(f"{'':<30} {told['cpu']:7.2f} s of CPU, {told['memory'] / _MB:.0f} MB at most")
    for name, seconds in slower.items():
        print(f"{'':<30} {told['seconds'] / seconds:7.2f} × {name}")
    for name, seconds in faster.items():
        print(f"{'':<30} {seconds / told['seconds']:7.2f} × as fast as {name}")
    again = told["again"]
    share = 100 * again["seconds"] / told["seconds"]
    print(f"{'again, nothing new':<30} {again['seconds']:7.2f} s = {share:.1f} %, {again['fetched']} bytes fetched")


if __name__ == "__main__":
    main()
