"""The base of all commands: one sentence for errors that a user can fix, exit codes, Ctrl-C, progress.

A command subclasses `Command` and defines `run(**options)`, which raises Problem for an expected
failure. Exit status: 0 for success; the Problem's own (1, or 2 for UsageError); 130 after Ctrl-C and
143 after SIGTERM. With `call_command` errors are not translated: the caller gets the Problem.
"""

import os
import signal
import sys
from time import monotonic
from typing import NoReturn

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from psynetdata import jobs
from psynetdata.infra.outages import outage
from psynetdata.models import Job
from psynetdata.psynet.problems import Cancelled, Problem

LINE_EVERY = 10.0  # seconds between lines of progress if the output is not a terminal
_BAR = 24


class Interrupted(Cancelled):
    """Ctrl-C or SIGTERM. A Problem, so that it is stored in the job's row and all cleanup code runs."""

    def __init__(self, number: int):
        super().__init__("Interrupted; no unfinished results were kept.")
        self.exit_code = 128 + number


class Command(BaseCommand):
    """Base class of the project's commands: `run(**options)` does the work; its return value is printed."""

    def handle(self, *args, **options) -> str | None:
        return self.run(*args, **options)

    def run(self, *args, **options) -> str | None:
        raise NotImplementedError("a command must define run()")

    def run_from_argv(self, argv: list[str]) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            super().run_from_argv(argv)
            sys.stdout.flush()
        except Problem as problem:
            self._leave(problem)
        except BrokenPipeError:
            # The reader of our output has gone; Python must not try to flush the rest into the closed pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(128 + signal.SIGPIPE)
        except Exception as error:
            self._leave(_expected(error))

    def job(self, kind: str, *, options: dict | None = None, deployment=None) -> Job:
        """Run a job in this process, with its progress on stderr, and return the finished Job. Raises its Problem."""
        shown = Progress(self.stderr)
        try:
            return jobs.run_here(kind, options=options, deployment=deployment, on_progress=shown)
        finally:
            shown.close()

    def warn(self, sentence: str) -> None:
        """Write a warning to stderr: the command worked, but the user should know this."""
        self.stderr.write(f"Warning: {sentence}", self.style.WARNING)

    def _leave(self, problem: Problem) -> NoReturn:
        self.stderr.write(problem.sentence)
        sys.exit(problem.exit_code)


class Progress:
    """Shows the progress of a Job row: a bar on a terminal, otherwise a line every LINE_EVERY seconds."""

    def __init__(self, out):
        self._out = out
        self._bar = out.isatty()
        self._written_at = monotonic()
        self._width = 0

    def __call__(self, job: Job) -> None:
        if self._bar:
            text = _bar(job)
            self._out.write("\r" + text.ljust(self._width), _plain, ending="")
            self._out.flush()
            self._width = len(text)
        elif monotonic() - self._written_at >= LINE_EVERY:
            self._written_at = monotonic()
            self._out.write(_line(job), _plain)

    def close(self) -> None:
        """Clear the bar, so that the following output starts on an empty line."""
        if self._width:
            self._out.write("\r" + " " * self._width + "\r", _plain, ending="")
            self._out.flush()


def _bar(job: Job) -> str:
    percent = job.percent
    if percent is None:
        return f"{job.phase} …"
    full = percent * _BAR // 100
    return f"[{'#' * full}{'.' * (_BAR - full)}] {percent:3d} %  {job.phase}"


def _line(job: Job) -> str:
    return f"{job.phase} …" if job.percent is None else f"{job.phase}: {job.percent} %"


def _plain(text: str) -> str:
    """Return the text without colour: Django would write progress in red, because it goes to stderr."""
    return text


def _interrupt(number, frame) -> NoReturn:
    raise Interrupted(number)


def _expected(error: Exception) -> Problem:
    """Return the Problem for an error of the environment (databases, disk …); raise any other error again."""
    if isinstance(error, DatabaseError) and _is_behind():
        return Problem("The site's databases do not have the current structure; run `manage.py migrate`.")
    known = outage(error)
    if known is None:
        raise error
    return known


def _is_behind() -> bool:
    """Return whether `migrate` has to be run: tables or columns that the code needs are missing."""
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return False
