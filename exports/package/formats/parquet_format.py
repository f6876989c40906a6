"""Class files as Parquet, with real types. Needs pyarrow, which is optional (requirements-parquet.txt)."""

from collections.abc import Iterator
from pathlib import Path

from exports.package.tree.table_files import ClassFile
from psynetdata.psynet.classfile.json_columns import BOOLEAN, REAL
from psynetdata.psynet.classfile.json_columns import WHOLE as WHOLE_JSON
from psynetdata.sheets.columns.value_types import BOOL, NUMBER, TEXT, TYPED, WHOLE, kind_of
from psynetdata.sheets.output import arrow

from .file_format import FileFormat

_KEY_KINDS = {BOOLEAN: BOOL, WHOLE_JSON: WHOLE, REAL: NUMBER, REAL | WHOLE_JSON: NUMBER}


class ParquetFormat(FileFormat):
    """Each piece of the class's CSV becomes a row group. If a value does not fit its column's type (`infinity` among
    times, a number beyond 64 bits), the whole column becomes text.
    """

    name = "parquet"
    words = "Parquet, with real types"
    no_excel = "excel is for CSV; a Parquet file needs no byte-order mark and runs no formula."
    regular_size, anonymous_size = (48_000, 0.32), (78_000, 0.24)

    def check_installed(self) -> None:
        arrow.check_installed()

    def write_file(self, file: ClassFile, path: Path) -> None:
        """Write a file; start again if a column turns out to be text. A class has few such columns."""
        import pyarrow
        from pyarrow import parquet

        kinds = _kinds(file)
        while True:
            schema = pyarrow.schema([(name, arrow.type_of(kind)) for name, kind in kinds.items()])
            with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
                misfit = None
                for texts in _read(file):
                    columns, misfit = _typed(texts, kinds)
                    if misfit is not None:
                        break
                    writer.write_table(pyarrow.table(columns, schema=schema))
            if misfit is None:
                return
            kinds[misfit] = TEXT


def _kinds(file: ClassFile) -> dict[str, str]:
    """Return {column: its kind (sheets/columns/value_types.py), or TEXT} in the order of the header."""
    return {name: _column_kind(file.types.get(name)) for name in file.fixed} | {
        key: _KEY_KINDS.get(file.kinds.get(key, 0), TEXT) for key in file.keys
    }


def _column_kind(type_name: str | None) -> str:
    kind = kind_of("", type_name)
    # A numeric has more digits than a double.
    return kind if kind in TYPED and type_name != "numeric" else TEXT


def _read(file: ClassFile) -> Iterator:
    """Yield each piece as a table of texts."""
    import pyarrow
    from pyarrow import csv

    names = file.header
    convert = csv.ConvertOptions(
        column_types={name: pyarrow.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    for piece in file.pieces:
        data = b"".join(piece.unpacked())
        if data:
            yield csv.read_csv(
                pyarrow.BufferReader(data),
                read_options=csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=convert,
            )


def _typed(texts, kinds: dict[str, str]) -> tuple[list, str | None]:
    """Return (the columns with their types, the name of the first column that does not fit)."""
    import pyarrow
    from pyarrow import compute

    columns = []
    for name, kind in kinds.items():
        column = texts.column(name)
        if kind == BOOL:
            if not compute.all(compute.is_in(column.drop_null(), pyarrow.array(["True", "False"]))).as_py() and len(
                column.drop_null()
            ):
                return [], name
            column = compute.equal(column, "True")
        elif kind != TEXT:
            try:
                column = column.cast(arrow.type_of(kind))
            except pyarrow.ArrowInvalid:
                return [], name
        columns.append(column)
    return columns, None
