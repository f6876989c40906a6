"""One mutant at a time in a copy of a checkout, and the tests on it."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from .mutants import Mutant

KILLED, TIMED_OUT, SURVIVED, GONE = "killed", "timed out", "survived", "gone"
# These files take seconds and run after the others: most mutants are dead by then.
_SLOW = ("test_proof.py", "test_references.py", "test_blocks.py")
# Of the plugins only Django's: loading the others takes longer than most tests, and they run in a random order.
_PYTEST = ("-m", "pytest", "-x", "-p", "pytest_django.plugin", "-p", "no:cacheprovider", "--tb=no")
_ENVIRONMENT = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_MOST_MEMORY = 8 << 30  # a loop that has lost its end must not take all of the machine's memory


class Copy:
    """A copy of a checkout in which one file at a time is changed."""

    def __init__(self, checkout: Path, folder: Path, python: Path):
        self._root = folder
        self._python = python
        ignored = shutil.ignore_patterns(".git", ".venv*", "var", "__pycache__")
        shutil.copytree(checkout, folder, ignore=ignored)

    def time(self, paths: list[str], spared: list[str]) -> float:
        """Run the tests below `paths` that are not `spared` on the unchanged code; return the seconds.

        Exits if a test fails.
        """
        start = time.monotonic()
        code, output = self._tests([self._python], self._ordered("", paths, spared), None)
        if code != 0:
            sys.exit(f"The tests fail without any mutant. Make them pass first.\n{output}")
        return time.monotonic() - start

    def run(self, mutant: Mutant, paths: list[str], spared: list[str], timeout: float) -> tuple[str, str]:
        """Return the outcome of a mutant, and the test that killed it."""
        file = self._root / mutant.path
        source, status = file.read_text(), file.stat()
        changed = mutant.apply(source)
        if changed is None:
            return GONE, ""
        file.write_text(changed)
        try:
            # -B: Python would take a change of equal length within the same second for the file it has compiled.
            files = self._ordered(Path(mutant.path).stem, paths, spared)
            code, output = self._tests([self._python, "-B"], files, timeout)
        finally:
            file.write_text(source)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        if code is None:
            return TIMED_OUT, ""
        killers = [line.split()[1] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return (SURVIVED, "") if code == 0 else (KILLED, killers[0] if killers else "import")

    def _ordered(self, module: str, paths: list[str], spared: list[str]) -> list[str]:
        """Return the test files: first those that mention the module most, last those that take longest."""
        files = [
            file
            for path in map(self._root.joinpath, paths)
            for file in (sorted(path.rglob("test_*.py")) if path.is_dir() else [path])
        ]
        files.sort(key=lambda file: (file.name in _SLOW, -file.read_text().count(module)))
        names = [file.relative_to(self._root).as_posix() for file in files]
        return [name for name in names if name not in spared]

    def _tests(self, python: list[str | Path], paths: list[str], timeout: float | None) -> tuple[int | None, str]:
        """Run tests; return pytest's exit status, None after the timeout, and its output."""
        process = subprocess.Popen(
            [*python, *_PYTEST, *paths],
            cwd=self._root,
            env=os.environ | _ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_limit_memory,
        )
        try:
            output, _ = process.communicate(timeout=timeout)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what the tests have started
            process.wait()


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
