"""Files that somebody hands in: reference databases, changed as bytes of the zip and as bytes of one table in it."""

import io
import zipfile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.load.uploads import reference, zipped
from tests.references import DATA, REFERENCES

from .limits import Score
from .mutations import mutated


def fuzz_loads(inputs: int, rng: Random) -> Score:
    """Load files; afterwards every stored snapshot must still verify."""
    from exports.load.load import load
    from exports.models import Snapshot
    from exports.operations.storage_check import verify_snapshot

    score = Score("loads")
    with TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "database.zip"
        for number in range(inputs):
            name = rng.choice(REFERENCES)
            data = _broken_zip(name, rng) if rng.random() < 0.4 else _broken_table(name, rng)
            path.write_bytes(data)
            score.run(lambda: "loaded" if load(path) else "nothing", f"input {number}, a changed {name}")
    for snapshot in Snapshot.objects.all():
        if problems := verify_snapshot(snapshot).problems:
            score.fail(f"{snapshot} is damaged: {problems[0]}")
    return score


def _broken_zip(name: str, rng: Random) -> bytes:
    return mutated((DATA / name / "database.zip").read_bytes(), rng)


def _broken_table(name: str, rng: Random) -> bytes:
    tables = reference(name)
    table = rng.choice(sorted(tables))
    tables[table] = mutated(tables[table], rng)
    data = zipped(tables)
    if rng.random() < 0.1:  # a zip inside one
        outer = io.BytesIO()
        with zipfile.ZipFile(outer, "w") as archive:
            archive.writestr("export/regular/database.zip", data)
        return outer.getvalue()
    return data
