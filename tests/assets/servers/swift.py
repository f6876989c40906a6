"""Swift with s3api and tempauth: an S3 store that checks signatures. One copy of everything, four processes."""

import getpass
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import program
from .ports import end, free_port, wait

PACKAGES = ("swift-proxy", "swift-account", "swift-container", "swift-object")
_PYTHON = "/usr/bin/python3"
_PARTS = ("account", "container", "object")
PROGRAMS = (_PYTHON, "swift-proxy-server", *(f"swift-{part}-server" for part in _PARTS))
KEY, SECRET = "test:tester", "testing-the-secret"
REGION = "us-east-1"
_READY_WITHIN = 60.0

_COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 0
user = {user}
log_level = ERROR
"""
_PART = """[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
"""
_PROXY = """[pipeline:main]
pipeline = catch_errors cache s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
"""


_MAKE_RINGS = """
import sys
from swift.common.ring import RingBuilder
for word in sys.argv[2:]:
    part, port = word.split("=")
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{part}.ring.gz")
"""


class Swift:
    """`endpoint`: its address; KEY and SECRET open it. A pickled copy has its address and cannot stop it."""

    stop_signal = signal.SIGTERM

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="swift-"))
        self._processes: list[subprocess.Popen] = []
        self.pids: list[int] = []
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_processes": []}

    @property
    def folders(self) -> tuple[Path]:
        return (self.folder,)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, bucket: str, prefix: str = "") -> str:
        return f"s3://{bucket}/{prefix}?endpoint_url={self.endpoint}&region_name={REGION}"

    def client(self):
        config = Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )  # fmt: skip
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
            config=config,
        )  # fmt: skip

    def close(self) -> None:
        for process in self._processes:
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        (self.folder / "devices" / "d1").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = gold\ndefault = yes\n"
        )
        ports = {part: free_port() for part in _PARTS}
        self.port = free_port()
        words = [str(self.folder), *(f"{part}={port}" for part, port in ports.items())]
        # Debian's Python has Swift's modules; one process instead of nine calls of swift-ring-builder.
        subprocess.run([_PYTHON, "-c", _MAKE_RINGS, *words], check=True)
        proxy = _PROXY.format(region=REGION, user=KEY.replace(":", "_"), secret=SECRET)
        started = [self._run(part, port, _PART.format(part=part)) for part, port in ports.items()]
        started.append(self._run("proxy", self.port, proxy))
        for waited in started:
            wait(*waited)
        self._wait()

    def _run(self, part: str, port: int, more: str) -> tuple[subprocess.Popen, int, Path]:
        config, log = self.folder / f"{part}.conf", self.folder / f"{part}.log"
        config.write_text(_COMMON.format(port=port, folder=self.folder, user=getpass.getuser()) + more)
        with log.open("ab") as out:
            process = subprocess.Popen(
                [program(f"swift-{part}-server"), str(config)], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._processes.append(process)
        self.pids.append(process.pid)
        return process, port, log

    def _wait(self) -> None:
        """Until it takes a signed request; a port that listens says little."""
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            try:
                self.client().list_buckets()
                return
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    logs = "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))
                    raise RuntimeError(f"Swift did not start ({error}):\n{logs}") from None
                time.sleep(0.1)
