"""What must hold after a fault. `recovered` is checked after each, `nothing_lost` after every few and at the end."""

import gzip
import hashlib
import io
import json
import re
import time
import zlib
from zipfile import BadZipFile, ZipFile

from psynetdata.psynet import csvtext
from psynetdata.psynet.tables import UNMIRRORED_TABLES

from .bustle import Bustle
from .desk import Answer, Desk, Violation
from .worlds import World

RECOVERS_WITHIN = 300.0  # seconds, for each step
_PAUSE = 0.3
_SHEETS = {"info": "trial", "participant": "participant", "response": "response", "node": "node", "network": "network"}
_GZIP = b"\x1f\x8b"


def recovered(world: World) -> float:
    """Check that the desk is well without a hand and takes a snapshot. Return how long that took."""
    began = time.monotonic()
    world.desk.wait_until_up(RECOVERS_WITHIN)
    snapshot(world)
    return time.monotonic() - began


def snapshot(world: World) -> int:
    """Return the number of a snapshot that was requested now. What an outage ended may be requested again."""
    done = _requested(world.desk, "/api/snapshots/", {"deployment": world.source.deployment_id})
    return int(done["snapshot"].rstrip("/").rpartition("/")[2])


def nothing_lost(world: World, bustle: Bustle) -> dict[str, int]:
    """Stop the writer and compare everything with everything. Return what was compared, as numbers."""
    with bustle.paused():
        world.source.pause()
        try:
            return _compared(world)
        finally:
            world.source.write()


def _compared(world: World) -> dict[str, int]:
    desk, deployment = world.desk, world.source.deployment_id
    desk.wait_until_up(RECOVERS_WITHIN)
    withdrawn = re.findall(r"^participant (\d+)", _command(desk, "withdraw", "--deployment", deployment), re.M)
    if withdrawn:
        _command(desk, "withdraw", *withdrawn, "--take-back", "--deployment", deployment)
    source = world.source.counts()
    number = snapshot(world)
    _no_job_is_stuck(desk)
    _equal("the snapshot", _json(desk, f"/api/snapshots/{number}/")["tables"], source)
    _mirror_has(world, source)
    rows = _export_has(world, number, source)
    verified = _command(desk, "verify", "--all")
    files = _published_files(world) + _manifests(world)
    _no_unexpected_failure(desk)
    return {"rows": sum(source.values()), "archived rows": rows, "files": files, "lines": len(verified.splitlines())}


def _requested(desk: Desk, path: str, body: dict) -> dict:
    """POST until a job is done; a job that an outage or another job ended is requested again."""
    deadline, said = time.monotonic() + RECOVERS_WITHIN, "nothing"
    while time.monotonic() < deadline:
        answer = desk.ask(path, body)
        if answer is None or answer.status != 202:
            said = answer.body.decode(errors="replace")[:200] if answer else "no answer"
            if answer is not None and answer.status in (400, 401, 403, 404, 500):
                raise Violation(f"POST {path} was answered with {answer.status}: {said}")
            time.sleep(1)
            continue
        address = answer.headers["Location"].partition(f":{desk.port}")[2]
        while time.monotonic() < deadline:
            answer = desk.ask(address)
            if answer is not None and answer.status == 200:
                row = answer.json()
                if row["state"] == "done":
                    return row
                said = f"{row['state']}: {row['reason'] or row.get('phase')}"
                if row["state"] in ("failed", "cancelled"):
                    break
            time.sleep(_PAUSE)
        time.sleep(_PAUSE)
    raise Violation(f"POST {path} did not succeed within {RECOVERS_WITHIN:.0f} seconds: {said}")


def _no_job_is_stuck(desk: Desk) -> None:
    """Every job that anybody requested ends: done, or failed with a reason. Many large exports take their time."""
    deadline, before, first = 0.0, None, None
    while True:
        active = desk.rows("SELECT id, kind, state, phase FROM psynetdata_job WHERE state IN ('queued', 'running')")
        first = max((row[0] for row in active), default=0) if first is None else first
        active = [row for row in active if row[0] <= first]
        if not active:
            return
        if active != before:
            deadline, before = time.monotonic() + RECOVERS_WITHIN, active
        if time.monotonic() > deadline:
            number, kind, state, phase = active[0]
            raise Violation(f"{len(active)} jobs are stuck, like job {number} ({kind}, {state}, {phase})")
        time.sleep(_PAUSE)


def _mirror_has(world: World, source: dict[str, int]) -> None:
    """The sheets of both faces count as the source, at the latest when the mirror has followed."""
    deadline = time.monotonic() + RECOVERS_WITHIN
    for table in sorted(source.keys() - set(UNMIRRORED_TABLES)):
        for face in ("identified", "anonymous"):
            path = f"/api/basic_data/{_SHEETS.get(table, table)}/?format=ndjson&face={face}"
            path += f"&deployment={world.source.deployment_id}"
            rows = _answer(world.desk, path).body.count(b"\n")
            while rows != source[table] and time.monotonic() < deadline:
                time.sleep(_PAUSE)
                rows = _answer(world.desk, path).body.count(b"\n")
            _equal(f"the sheet of {table}, {face},", {table: rows}, {table: source[table]})


def _export_has(world: World, number: int, source: dict[str, int]) -> int:
    body = {"deployment": world.source.deployment_id, "snapshot": number, "anonymize": "both"}
    export = _requested(world.desk, "/api/exports/", body)
    rows = 0
    for mode in ("regular", "anonymous"):
        archive = _answer(world.desk, f"/api/exports/{export['id']}/download/?mode={mode}")
        _equal_hash(archive)
        counted = _rows_of_archive(archive.body, mode)
        _equal(f"the {mode} export", counted, source)
        rows += sum(counted.values())
    return rows


def _rows_of_archive(data: bytes, mode: str) -> dict[str, int]:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            name = next(name for name in archive.namelist() if name.endswith("database.zip"))
            manifest = next(name for name in archive.namelist() if name.endswith("manifest.json"))
            declared = json.loads(archive.read(manifest))["tables"]
            with ZipFile(io.BytesIO(archive.read(name))) as inner:
                members = [name for name in inner.namelist() if name.startswith("data/") and name.endswith(".csv")]
                found = {}
                for member in members:
                    with inner.open(member) as file:
                        found[member[5:-4]] = sum(1 for _ in csvtext.records(file)) - 1
    except (BadZipFile, StopIteration, zlib.error) as error:
        raise Violation(f"the {mode} archive cannot be read: {error}") from None
    _equal(f"the manifest of the {mode} export", declared, found)
    return found


def _equal_hash(archive: Answer) -> None:
    if hashlib.sha256(archive.body).hexdigest() != archive.headers["X-Checksum-SHA256"]:
        raise Violation("an archive does not have the SHA-256 that its answer names")


def _published_files(world: World) -> int:
    """Check that each blob with its final name is complete, whether a row mentions it or not. Return their number."""
    count = 0
    for path in (world.storage / "snapshots").rglob("*") if world.storage else ():
        if path.suffix not in (".gz", ".pack"):
            continue  # a folder, or unfinished by its own name
        try:
            data = path.read_bytes()
            if not data.startswith(_GZIP):
                continue  # encrypted: `verify` reads it
            found = hashlib.sha256(gzip.decompress(data)).hexdigest()  # a pack is gzip after gzip
        except FileNotFoundError:
            continue  # pruned in the meantime
        except (EOFError, OSError, zlib.error) as error:
            raise Violation(f"a half-written file was published: {path.name[:12]}… ({error})") from None
        if path.suffix == ".gz" and found != path.name.partition(".")[0]:
            raise Violation(f"the file {path.name[:12]}… has other bytes than its name says")
        count += 1
    return count


def _manifests(world: World) -> int:
    """Check that the storage has each manifest that a row names. Return their number."""
    names = [name for (name,) in world.desk.rows("SELECT manifest FROM exports_snapshot WHERE manifest <> ''")]
    missing = [name for name in names if world.storage and not (world.storage / name).exists()]
    if missing:
        raise Violation(f"{len(missing)} manifests are not in the storage, like {missing[0]}")
    return len(names)


def _no_unexpected_failure(desk: Desk) -> None:
    rows = desk.rows("SELECT id, kind, reason FROM psynetdata_job WHERE reason LIKE 'An unexpected%'")
    if rows:
        number, kind, reason = rows[0]
        raise Violation(f"{len(rows)} jobs ended without a reason that a user can use, like {kind} {number}: {reason}")


def _command(desk: Desk, *words: str) -> str:
    """Run a command that must succeed; one that meets a job of the same kind may be repeated."""
    for attempt in range(5):
        done = desk.command(*words)
        if done.returncode == 0:
            return done.stdout
        time.sleep(2 * attempt)
    raise Violation(f"`{' '.join(words)}` failed: {(done.stderr or done.stdout).strip()[-300:]}")


def _answer(desk: Desk, path: str) -> Answer:
    deadline = time.monotonic() + RECOVERS_WITHIN
    while True:
        answer = desk.ask(path)
        if answer is not None and answer.status == 200:
            return answer
        if time.monotonic() > deadline or (answer is not None and answer.status < 500):
            raise Violation(f"GET {path} was answered with {answer and answer.status}: {answer and answer.body[:200]}")
        time.sleep(_PAUSE)


def _json(desk: Desk, path: str) -> dict:
    return _answer(desk, path).json()


def _equal(where: str, found: dict, wanted: dict) -> None:
    if found != wanted:
        names = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        parts = ", ".join(f"{name}: {found.get(name)} instead of {wanted.get(name)}" for name in names[:5])
        raise Violation(f"{where} has other numbers of rows than the source: {parts}")
