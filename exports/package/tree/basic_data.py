"""basic_data in an export: what the deployment's get_basic_data returns for exactly the snapshot that is exported."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from exports.mirroring.mirror import MirrorSource
from exports.package.progress_meter import ProgressMeter
from psynetdata import sheets
from psynetdata.mirror import Transform, refresh, scratch
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem, UsageError
from psynetdata.sheets.output import text_blocks

from .file_names import UsedNames, safe_name
from .members import Member, written


def basic_data(
    source: MirrorSource, transform: Transform, prefix: str, folder: Path, *, anonymize: bool, meter: ProgressMeter
) -> list[Member]:
    """Return basic_data.json, or basic_data/<name>.csv if the method returns data frames; nothing if it returns None.
    Also basic_data/<name>.csv for each sheet that staff put together.

    All of it is read from a scratch mirror of `source`, filled through `transform`, so that it never shows a newer
    snapshot or another face.
    """
    deployment = source.snapshot.deployment
    is_written = sheets.basic_data_for(deployment) is not None
    if not is_written and not deployment.saved_sheets.exists():
        return []
    with scratch() as face:
        refresh(face, deployment, source, transform, on_progress=lambda table, rows: meter.check())
        taken = UsedNames()
        files = list(_members(_computed(deployment, face, anonymize), prefix, folder, taken)) if is_written else []
        return [*files, *_build(deployment, face, prefix, folder, taken)]


def _build(deployment: Deployment, face: str, prefix: str, folder: Path, taken: UsedNames) -> Iterator[Member]:
    """Yield a file for each saved sheet. One that does not fit this snapshot or face becomes a text that says why."""
    catalogue = sheets.Catalogue(deployment, face)
    for saved in catalogue.saved.values():
        try:
            sheet = catalogue.assemble(saved)
        except (UsageError, sheets.UnknownSheet) as problem:
            file = taken.claim(safe_name(saved.name, ".txt"))
            yield written(f"{prefix}basic_data/{file}", folder / "basic_data" / file, [f"{problem}\n".encode()])
            continue
        file = taken.claim(safe_name(saved.name, ".csv"))
        rows = {"rows": sheet.total()} if len(sheet.header) > 1 else {}
        blocks = text_blocks.csv(sheet.header, sheet.records())
        yield written(f"{prefix}basic_data/{file}", folder / "basic_data" / file, blocks, **rows)


def _computed(deployment: Deployment, face: str, anonymize: bool) -> object:
    try:
        return sheets.compute_basic_data(deployment, using=face, context="export", anonymize=anonymize)
    except Problem:
        raise
    except Exception as error:  # the experimenter's code can raise anything; its message may hold data that it read
        raise Problem(
            f"The deployment's get_basic_data failed with a {type(error).__name__}; nothing was exported. "
            "Run `manage.py basic_data check` to see where, and fix it."
        ) from error


def _members(result: object, prefix: str, folder: Path, taken: UsedNames) -> Iterator[Member]:
    if result is None:
        return
    frames = {"basic_data": result} if _is_frame(result) else result
    if not isinstance(frames, dict) or not any(_is_frame(value) for value in frames.values()):
        yield written(f"{prefix}basic_data.json", folder / "basic_data.json", _json_blocks(result))
        return
    for name, value in frames.items():
        file = _file_name(str(name), ".csv" if _is_frame(value) else ".json", taken)
        target = (f"{prefix}basic_data/{file}", folder / "basic_data" / file)
        if _is_frame(value):
            yield written(*target, [value.to_csv(index=False, lineterminator="\n").encode()], **_rows(value))
        else:
            yield written(*target, _json_blocks(value))


def _file_name(key: str, extension: str, taken: UsedNames) -> str:
    """Return a name as psynet.command_line makes it (_make_basic_data_filename): `a/b c` → `a_b_c`, then `a_b_c_2`."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", re.sub(r"[\\/]+", "_", key.strip())).strip("._") or "data"
    wanted = (plain if number == 1 else f"{plain}_{number}" for number in count(1))
    return next(name for stem in wanted if taken.is_free(name := safe_name(stem, extension)) and taken.claim(name))


def _is_frame(value: object) -> bool:
    """Recognize a pandas DataFrame without importing pandas, which may not be installed."""
    return hasattr(value, "to_csv") and hasattr(value, "columns")


def _rows(frame) -> dict[str, int]:
    # A frame with one column writes a blank line for an empty cell, which a count cannot distinguish from nothing.
    return {"rows": len(frame)} if len(frame.columns) > 1 else {}


def _json_blocks(value: object) -> Iterator[bytes]:
    if isinstance(value, list):
        yield from text_blocks.json_list(value)
    elif isinstance(value, dict) and all(isinstance(rows, list) for rows in value.values()):
        yield from text_blocks.json_lists(value.items())
    else:
        yield text_blocks.json_text(value)
    yield b"\n"
