"""Estimate what an export will hold and about how large it will be, before it is made; this reads no segments."""

from dataclasses import dataclass

from exports.models import ExportArchive, Snapshot, SourceCode, Summary
from exports.server import source_code
from psynetdata import sheets
from psynetdata.psynet.asset_kinds import EXPERIMENT

from .options import ANONYMOUS, REGULAR, ExportOptions

# (bytes of any archive, share of the rows' size as CSV): fitted to exports of tests/data, within a fifth of each.
# Those with class files depend on their format.
_DATABASE_SIZES = {REGULAR: (18_000, 0.095), ANONYMOUS: (48_000, 0.08)}

_LOOKED_AT = 5  # how many recent archives are searched for a comparable one


@dataclass(frozen=True)
class Files:
    """Asset files according to their rows; `bytes` is 0 if those do not say."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: "Files") -> "Files":
        return Files(self.count + other.count, self.bytes + other.bytes)


@dataclass(frozen=True)
class Expected:
    """One archive of a future export. `bytes`: its approximate size; `measured`: based on the last archive of its kind.

    `classes`: [(class, rows)] of class files, largest first, empty for a database alone. `files`: asset files;
    `withheld`: those that are excluded because they are personal. `source_code`, `basic_data`: whether included.
    For a selection of participants only `bytes` is estimated, by their share; everything else describes the whole.
    """

    mode: str
    bytes: int
    measured: bool
    tables: int
    rows: int
    classes: list[tuple[str, int]]
    files: Files
    withheld: Files
    source_code: bool
    basic_data: bool


def expected(snapshot: Snapshot, options: ExportOptions) -> list[Expected]:
    """Return one estimate for each archive that the options ask for, based on the newest summary."""
    summary = Summary.objects.filter(deployment=snapshot.deployment_id).first()
    return [_of(mode, snapshot, options, summary) for mode in options.modes]


def _of(mode: str, snapshot: Snapshot, options: ExportOptions, summary: Summary | None) -> Expected:
    files, withheld = _files(mode, options, summary)
    rows, measured = _rows_size(mode, snapshot, options)
    share = _share(snapshot, options)
    full = options.type == "psynet"
    classes = sorted(((one[1], one[2]) for one in summary.classes), key=lambda one: -one[1]) if summary and full else []
    source = full and mode == REGULAR and not options.no_source
    code = SourceCode.objects.filter(deployment=snapshot.deployment_id).first() if source else None
    return Expected(
        mode=mode,
        bytes=round((rows + files.bytes) * share) + (code.bytes if code else 0),
        measured=measured,
        tables=len(snapshot.tables),
        rows=snapshot.rows,
        classes=classes,
        files=files,
        withheld=withheld,
        source_code=code is not None,
        basic_data=full and _has_basic_data(snapshot),
    )


def _share(snapshot: Snapshot, options: ExportOptions) -> float:
    """Return the selection's share of the rows. Rows that belong to nobody are all included, but they are few."""
    if options.participants is None or "participant" not in snapshot.tables:
        return 1.0
    return min(1.0, len(options.participants) / max(1, snapshot.rows_of("participant")))


def _has_basic_data(snapshot: Snapshot) -> bool:
    deployment = snapshot.deployment
    return sheets.basic_data_for(deployment) is not None or deployment.saved_sheets.exists()


def _files(mode: str, options: ExportOptions, summary: Summary | None) -> tuple[Files, Files]:
    """Return (included files, withheld files)."""
    come, stay = Files(), Files()
    if not options.wants_assets or summary is None:
        return come, stay
    for kind, sides in summary.assets.items():
        if options.assets == "all" or kind == EXPERIMENT:
            for side, (count, size) in sides.items():
                if mode == ANONYMOUS and side == "personal":
                    stay += Files(count, size)
                else:
                    come += Files(count, size)
    return come, stay


def _rows_size(mode: str, snapshot: Snapshot, options: ExportOptions) -> tuple[int, bool]:
    """Return (bytes without asset files and source code; whether an earlier archive of the same kind was used)."""
    fixed, share = _size_of_kind(mode, options)
    usual = fixed + share * snapshot.bytes
    last = _last_alike(mode, snapshot, options)
    if last is None:
        return round(usual), False
    then = fixed + share * last.export.snapshot.bytes
    return round(last.bytes * usual / then), True


def _size_of_kind(mode: str, options: ExportOptions) -> tuple[int, float]:
    if options.type == "database":
        return _DATABASE_SIZES[mode]
    return options.file_format.regular_size if mode == REGULAR else options.file_format.anonymous_size


def _last_alike(mode: str, snapshot: Snapshot, options: ExportOptions) -> ExportArchive | None:
    """Return an archive without asset files and source code, so that its size is that of its rows."""
    alike = ExportArchive.objects.filter(
        export__deployment=snapshot.deployment_id, mode=mode, export__options__type=options.type,
        export__options__format=options.format, export__options__level=options.level, manifest__asset_files=0,
        manifest__selection__isnull=True,
    )  # fmt: skip
    for archive in alike.select_related("export__snapshot").order_by("-pk")[:_LOOKED_AT]:
        if not any(file["path"] == source_code.NAME for file in archive.manifest.get("files", ())):
            return archive
    return None
