"""What a command prints about an export on disk, from its manifest; made here or fetched from another desk."""

from pathlib import Path

from exports.package.options import ANONYMOUS, REGULAR
from psynetdata.management.cli import Command


def print_export(command: Command, number: int, path: Path, manifest: dict, scans: dict[str, dict]) -> None:
    """Print it. `scans`: {mode: what was searched for}. The path is the last line."""
    write = command.stdout.write
    snapshot = manifest["snapshot"]
    write(
        f"export {number} of {manifest['deployment']['deployment_id']}, "
        f"snapshot {snapshot['id']} ({snapshot['taken_at']})"
    )
    rows = sum(manifest["tables"].values())
    for mode in (REGULAR, ANONYMOUS):
        sizes = [file["bytes"] for file in manifest["files"] if file["path"].startswith(f"{mode}/")]
        if not sizes:
            continue
        write(f"{mode:<10} {len(sizes)} files, {rows} rows, {sum(sizes)} bytes")
        if mode == ANONYMOUS:
            _print_leak_check(write, scans.get(mode) or {})
        assets, notes = (_of_mode(manifest, key, mode) for key in ("assets", "notes"))
        if missing := assets["missing"]:
            command.warn(f"{mode}: {len(missing)} asset files are missing; manifest.json lists them and says why.")
        for note in notes:
            command.warn(f"{mode}: {note}")
    write(str(path))


def _of_mode(manifest: dict, key: str, mode: str):
    return manifest[key][mode] if manifest["mode"] == "both" else manifest[key]


def _print_leak_check(write, report: dict) -> None:
    looked_for = {kind: sum(classes.values()) for kind, classes in report.get("looked_for", {}).items()}
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(looked_for.items())) or "nothing"
    write(f"           searched for {sum(looked_for.values())} values and found none: {kinds}")
    for note in report.get("notes", []):
        write(f"           {note}")
