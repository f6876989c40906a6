"""tools/unseal.py: an encrypted storage is readable without this program."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from psynetdata.env import local_storage

from .encrypted_desk import NEW, OLD, files_in, fill, stored_bytes

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

UNSEAL = Path(__file__).resolve().parents[2] / "tools" / "unseal.py"


def unseal(source: Path, target: Path, *texts: str) -> subprocess.CompletedProcess:
    """Run the tool where neither Django nor this project can be imported."""
    command = [sys.executable, "-P", "-c", _ALONE, str(UNSEAL), str(source), str(target)]
    environment = {"PATH": os.environ["PATH"], "STORAGE_KEY": " ".join(texts)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=target.parent, timeout=60)


_ALONE = """
import runpy, sys
sys.modules["django"] = sys.modules["psynetdata"] = sys.modules["exports"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_every_file_comes_back_without_this_program(keys, own_storage, typed, marked_zip, tmp_path, monkeypatch):
    monkeypatch.setattr("exports.store.writer.SMALL", 2000)
    fill(tmp_path, typed, marked_zip)
    default_storage.save("exports/0/empty.zip", ContentFile(b""))
    default_storage.save("exports/0/full.zip", ContentFile(b"x" * (2 * (64 << 10))))
    clear = stored_bytes(local_storage(own_storage))
    keys(OLD)
    assert typed("storage", "encrypt")[0] == 0
    done = unseal(own_storage, tmp_path / "clear", NEW, OLD)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    out = {path.relative_to(tmp_path / "clear").as_posix(): path.read_bytes() for path in files_in(tmp_path / "clear")}
    written_again = {name for name in clear if name.startswith("manifests/")} | {"installation.json"}
    assert out.keys() == clear.keys()
    assert {name for name in clear if out[name] != clear[name]} <= written_again

    (stored,) = default_storage.stored_names("exports/0/full.zip")
    path = own_storage / stored
    path.write_bytes(path.read_bytes()[:-16])
    done = unseal(path, tmp_path / "one", OLD)
    assert (done.returncode, "it was changed, or it ends too early" in done.stderr) == (1, True)
    assert files_in(tmp_path / "one") == []
    done = unseal(own_storage / "exports", tmp_path / "two", NEW)
    assert (done.returncode, "is not in STORAGE_KEY" in done.stderr, OLD in done.stderr) == (1, True, False)
