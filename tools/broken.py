"""`python -m tools.broken [NAME …]`: break the program on purpose in a copy; each target must notice.

A target that passes whatever happens proves nothing. Exit status 0 only if each broken build failed, for its reason.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_WITHIN = 900.0  # seconds


@dataclass(frozen=True)
class Breakage:
    """`old` becomes `new` in a file; then `command` must fail and print a line that has `reason`, a pattern."""

    path: str
    old: str
    new: str
    command: tuple[str, ...]
    reason: str


BREAKAGES = {
    "faults": Breakage(
        "psynetdata/jobs.py",
        "    _reassign_stale()\n",
        "",  # the job of a killed worker waits for ever
        ("tools.faults", "--count", "12", "--worlds", "laptop", "--kinds", "kill worker,kill cluster", "--seed", "b"),
        "jobs are stuck|did not succeed within .* running",
    ),
    "soak": Breakage(
        "psynetdata/infra/log_format.py",
        "class RequestIdMiddleware:",
        "_kept = []\n\n\nclass RequestIdMiddleware:",  # with the line below: memory that nobody gives back
        ("tools.soak", "--minutes", "3", "--seed", "b"),
        "memory grew by",
    ),
    "fuzz": Breakage(
        "psynetdata/psynet/csvtext.py",
        """    if cell == "":\n        return '""'\n""",
        "",  # an empty text becomes NULL
        ("tools.fuzz", "--inputs", "3000", "--only", "CSV", "--seed", "b"),
        "ValueError in _round_trip",
    ),
}
_CALL = "def __call__(self, request: HttpRequest) -> HttpResponse:\n"
_LEAK = (_CALL, f"{_CALL}        _kept.append(b'x' * (4 << 20))\n")


def main(names: list[str]) -> int:
    unnoticed = [name for name in names or BREAKAGES if not _is_noticed(name, BREAKAGES[name])]
    for name in unnoticed:
        print(f"{name} did NOT notice")
    return 1 if unnoticed else 0


def _is_noticed(name: str, breakage: Breakage) -> bool:
    with tempfile.TemporaryDirectory(prefix="broken-") as folder:
        files = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=files, check=True)
        path = Path(folder) / breakage.path
        _replace(path, breakage.old, breakage.new)
        if name == "soak":
            _replace(path, *_LEAK)
        done = subprocess.run(
            [sys.executable, "-m", *breakage.command],
            cwd=folder, capture_output=True, text=True, check=False, timeout=_WITHIN,
        )  # fmt: skip
    found = [line.strip() for line in done.stdout.splitlines() if re.search(breakage.reason, line)]
    print(f"{name}: status {done.returncode}; {found[0][:300] if found else done.stdout[-600:] + done.stderr[-600:]}")
    return done.returncode == 1 and bool(found)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{path.name} does not have exactly one {old!r}; correct tools/broken.py")
    path.write_text(text.replace(old, new))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
