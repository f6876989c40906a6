"""The cost of fetching an export from another desk: `python -m benchmarks.remote [--megabytes N]`.

A desk serves an archive of N MB that cannot be compressed, over loopback. Printed, as medians of three taken in turn:
how long `export --remote` takes for the download and its hash, next to `curl` and `sha256sum` of the same file, and how
much memory it adds.
"""

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.sheets import serve

SAMPLE = Path(__file__).resolve().parents[1] / "psynetdata" / "sample" / "database.zip"
SITE = "http://127.0.0.1:8765"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-remote-") as name:
        folder = Path(name)
        os.environ |= {"DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "psynetdata.settings"}
        os.environ.pop("DATABASE_URL", None)
        archive, token = prepare(given.megabytes)
        site = serve()
        try:
            measure(folder, archive, token)
        finally:
            site.terminate()
            site.wait()


def prepare(megabytes: int):
    """Return (the archive's row, a token for it): an export of the sample, whose file then gets other bytes."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.files.storage import default_storage
    from django.core.management import call_command

    from exports.load.load import load
    from exports.package.options import ExportOptions
    from exports.package.request import request_export, run_here
    from psynetdata.models import ApiToken

    call_command("migrate", verbosity=0)
    export = request_export(load(SAMPLE).deployment, ExportOptions(anonymize="no", assets="none"), here=True)
    run_here(export)
    archive = export.archives.get()
    digest = hashlib.sha256()
    with Path(default_storage.path(archive.file)).open("wb") as file:
        for _ in range(megabytes):
            block = os.urandom(1_000_000)
            digest.update(block)
            file.write(block)
    archive.bytes, archive.sha256 = megabytes * 1_000_000, digest.hexdigest()
    archive.save()
    return archive, ApiToken.issue(get_user_model().objects.create_superuser("bench"), identified=True)[1]


def measure(folder: Path, archive, token: str) -> None:
    from exports.remote.archive_download import download
    from exports.remote.desk import Desk

    path, to = f"/api/exports/{archive.export_id}/download/?mode=regular", folder / "copy"
    desk = Desk(SITE, token)
    curl = f"curl -sf -H 'Authorization: Token {token}' '{SITE}{path}' -o '{to}' && sha256sum '{to}'"
    before = peak()
    ours, theirs = [], []
    for _ in range(3):
        ours.append(timed(lambda: download(
            desk, path, bytes=archive.bytes, sha256=archive.sha256, to=to, shown=lambda have: None
        )))  # fmt: skip
        to.unlink()
        theirs.append(timed(lambda: subprocess.run(["bash", "-c", curl], check=True, stdout=subprocess.DEVNULL)))
        to.unlink()
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{archive.bytes / 1e6:.0f} MB: {mine:.2f} s, curl and sha256sum {other:.2f} s: {mine / other:.2f} ×")
    print(f"memory it adds: {(peak() - before) / 1000:.0f} MB")


def timed(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def peak() -> int:
    """Return kB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
