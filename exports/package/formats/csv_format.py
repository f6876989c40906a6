from collections.abc import Iterator

from exports.package.tree.convert_worker import ConvertContext
from exports.package.tree.members import Member
from exports.package.tree.table_files import ClassFile, header
from exports.package.zip.deflate import DeflatedPiece
from psynetdata.infra.processes import Pool

from .file_format import FileFormat, member_of


class CsvFormat(FileFormat):
    """CSV, in the pieces that the workers wrote; they guarded cells against Excel already."""

    name = "csv"
    words = "CSV, for R, Python and similar programs"
    no_excel = ""

    def write(
        self, files: list[tuple[str, ClassFile]], context: ConvertContext, pool: Pool, *, for_excel: bool
    ) -> Iterator[tuple[Member, list[DeflatedPiece]]]:
        for number, (name, file) in enumerate(files):
            first = header(file.header, context.folder, f"class-{number}", mark=for_excel)
            yield member_of(name, file, None), [*first, *file.pieces]
