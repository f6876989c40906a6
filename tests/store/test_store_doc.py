"""docs/store.md: the very lines that it shows give a table back."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from exports.capture.take import take
from exports.operations.deployments import add
from exports.store.blobs import file_of
from exports.store.reader import SnapshotReader

from .snapshot_factory import written_down

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
FUNCTIONS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
SHELLS = [shell for shell in ("dash", "bash", "sh") if shutil.which(shell)]


@pytest.fixture(params=["packs", "files"])
def stored_as(request, monkeypatch):
    """Small blobs in packs, as they come, or each in a file of its own."""
    if request.param == "files":
        monkeypatch.setattr("exports.store.writer.SMALL", 0)
    return request.param


def shell(line: str, *values: str, program: str = SHELLS[0]) -> subprocess.CompletedProcess:
    """Run the functions of the page and then `line`, whose $1, $2 … are the values, in the storage's folder."""
    command = [program, "-c", f"{FUNCTIONS}\n{line}", program, *values]
    return subprocess.run(command, cwd=default_storage.location, capture_output=True, timeout=120)


def table(ref: str, **options) -> bytes:
    done = shell('table "$1"', ref, **options)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.mark.parametrize("program", SHELLS)
def test_a_table_comes_out_as_copy_writes_it(postgres, stored_as, program):
    url = postgres.database("static")
    snapshot = take(add(url).deployment).snapshot
    for name in ("info", "participant", "response", "experiment", "vector"):
        ref = snapshot.tables[name]["state"]
        assert ("@" in ref) == (stored_as == "packs")
        assert table(ref, program=program) == copied(postgres, url, name)


def copied(postgres, url: str, name: str) -> bytes:
    out = io.BytesIO()
    connection = postgres.connect(url)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)", out)
    connection.close()
    return out.getvalue()


def test_several_segments_in_order_and_odd_texts(postgres, stored_as):
    url = postgres.database("custom_table_simple")
    postgres.execute(url, 'CREATE TABLE odd (id int PRIMARY KEY, "a b" text, name text)')
    for number in (1, 9000, 20000, -5):
        postgres.execute(url, "INSERT INTO odd VALUES (%s, %s, %s)", (number, 'x,"y"\n', '"name":"z"'))
        postgres.execute(url, "INSERT INTO odd VALUES (%s, %s, %s)", (number + 1, None, ""))
    snapshot = take(add(url).deployment).snapshot
    assert len(SnapshotReader(snapshot).table_state("odd").segments) == 4
    assert table(snapshot.tables["odd"]["state"]) == copied(postgres, url, "odd")


def test_the_state_is_found_where_the_page_says(stored_as):
    snapshot = written_down({"coin": [["id", "text"], ["1", "heads"]]})
    query = re.search(r"```sql\n(.*?)```", PAGE, re.DOTALL)[1].replace("12", str(snapshot.pk))
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert snapshot.tables["coin"]["state"] in str(cursor.fetchone()[0])
    assert table(snapshot.tables["coin"]["state"]) == b"id,text\n1,heads\n"


def test_the_hash_is_checked(stored_as):
    snapshot = written_down({"coin": [["id", "text"], ["1", "heads"]]})
    state = snapshot.tables["coin"]["state"]
    segment = SnapshotReader(snapshot).table_state("coin").segments[0].blob
    for ref, kind in ((state, "json"), (segment, "csv")):
        done = shell('check "$1" "$2"', ref, kind)
        assert (done.returncode, done.stdout.decode()) == (0, f"{ref[:64]}\n")
        assert shell('check "$1" "$2"', f"{'0' * 64}{ref[64:]}", kind).returncode != 0
    path = Path(default_storage.path(file_of(segment, "csv")))
    path.write_bytes(b"\0" * path.stat().st_size)
    assert shell('check "$1" csv', segment).returncode != 0
