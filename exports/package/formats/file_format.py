"""The base of all formats of class files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exports.package.tree.convert_worker import ConvertContext
from exports.package.tree.members import Member
from exports.package.tree.table_files import ClassFile
from exports.package.zip.deflate import DeflatedPiece
from psynetdata.infra.processes import Pool


class FileFormat:
    """How class files are written. A format is a subclass that defines `write_file`, and a line in registry.py.

    `name`: the value of the option; `words`: the format on pages. `no_excel`: why the option `excel` is not for it, ""
    if it is. `regular_size`, `anonymous_size`: (bytes of any archive, share of the rows' size as CSV), to estimate an
    archive's size.
    """

    name: str
    words: str
    no_excel = "excel is for CSV; leave it out, or choose the format csv."
    regular_size, anonymous_size = (25_000, 0.22), (58_000, 0.18)

    @property
    def extension(self) -> str:
        return f".{self.name}"

    def check_installed(self) -> None:
        """Raise UsageError if a package that the format needs is missing."""

    def write(
        self, files: list[tuple[str, ClassFile]], context: ConvertContext, pool: Pool, *, for_excel: bool
    ) -> Iterator[tuple[Member, list[DeflatedPiece]]]:
        """Yield for each (name, class file) the member, and its compressed pieces if it has no file on disk yet."""
        tasks = [
            FileTask(self, file, context.folder / f"{index}{self.extension}") for index, (_, file) in enumerate(files)
        ]
        for _ in pool.each(_write_file, tasks):
            pass
        for (name, file), task in zip(files, tasks, strict=True):
            yield member_of(name, file, task.path), []

    def write_file(self, file: ClassFile, path: Path) -> None:
        """Write a class file. This runs in a worker process."""
        raise NotImplementedError


@dataclass(frozen=True)
class FileTask:
    format: FileFormat
    file: ClassFile
    path: Path


def member_of(name: str, file: ClassFile, path: Path | None) -> Member:
    return Member(name, path, rows=file.rows, table=file.table, class_name=file.name)


def _write_file(context: ConvertContext, task: FileTask) -> None:
    task.format.write_file(task.file, task.path)
