"""Class files as Parquet, with real types. Needs pyarrow, which is optional (requirements-parquet.txt).

Each piece of the class's CSV becomes a row group. If a value does not fit its column's type (`infinity` among times, a
number beyond 64 bits), the whole column becomes text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exports.package.zip.deflate import DeflatedPiece
from psynetdata.infra.processes import Pool
from psynetdata.psynet.classfile.json_columns import BOOLEAN, REAL, WHOLE

from .convert_worker import ConvertContext
from .members import Member
from .table_files import ClassFile

_WHOLE = ("int2", "int4", "int8")
_REAL = ("float4", "float8")
_TIMES = ("timestamp", "timestamptz")


@dataclass(frozen=True)
class ParquetTask:
    """`types`: {column: `bool`, `int64`, `double`, `time` or `string`} in the order of the header."""

    index: int
    types: dict[str, str]
    pieces: list[DeflatedPiece]
    path: Path


def write_files(files: list[tuple[str, ClassFile]], folder: Path, pool: Pool) -> list[Member]:
    """Write a Parquet file for each (name, class file) in `folder`, in the worker processes."""
    tasks = [
        ParquetTask(index, _types(file), file.pieces, folder / f"{index}.parquet")
        for index, (_, file) in enumerate(files)
    ]
    for _ in pool.each(_write, tasks):
        pass
    return [
        Member(name, task.path, rows=file.rows, table=file.table, class_name=file.name)
        for (name, file), task in zip(files, tasks, strict=True)
    ]


def _types(file: ClassFile) -> dict[str, str]:
    return {name: _column_type(file.types.get(name)) for name in file.fixed} | {
        key: _key_type(file.kinds.get(key, 0)) for key in file.keys
    }


def _column_type(kind: str | None) -> str:
    if kind in _WHOLE:
        return "int64"
    if kind in _REAL:
        return "double"
    return "time" if kind in _TIMES else "bool" if kind == "bool" else "string"


def _key_type(kinds: int) -> str:
    return {BOOLEAN: "bool", WHOLE: "int64", REAL: "double", REAL | WHOLE: "double"}.get(kinds, "string")


def _write(context: ConvertContext, task: ParquetTask) -> None:
    """Write a file; start again if a column turns out to be text. A class has few such columns."""
    import pyarrow
    from pyarrow import parquet

    types = dict(task.types)
    while True:
        schema = pyarrow.schema([(name, _arrow(pyarrow, kind)) for name, kind in types.items()])
        with parquet.ParquetWriter(task.path, schema, compression="zstd") as writer:
            misfit = None
            for texts in _read(pyarrow, task):
                columns, misfit = _typed(pyarrow, texts, types)
                if misfit is not None:
                    break
                writer.write_table(pyarrow.table(columns, schema=schema))
        if misfit is None:
            return
        types[misfit] = "string"


def _read(pyarrow, task: ParquetTask) -> Iterator:
    """Yield each piece as a table of texts."""
    from pyarrow import csv

    names = list(task.types)
    convert = csv.ConvertOptions(
        column_types={name: pyarrow.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    for piece in task.pieces:
        data = b"".join(piece.unpacked())
        if data:
            yield csv.read_csv(
                pyarrow.BufferReader(data),
                read_options=csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=convert,
            )


def _typed(pyarrow, texts, types: dict[str, str]) -> tuple[list, str | None]:
    """Return (the columns with their types, the name of the first column that does not fit)."""
    from pyarrow import compute

    columns = []
    for name, kind in types.items():
        column = texts.column(name)
        if kind == "bool":
            if not compute.all(compute.is_in(column.drop_null(), pyarrow.array(["True", "False"]))).as_py() and len(
                column.drop_null()
            ):
                return [], name
            column = compute.equal(column, "True")
        elif kind != "string":
            try:
                column = column.cast(_arrow(pyarrow, kind))
            except pyarrow.ArrowInvalid:
                return [], name
        columns.append(column)
    return columns, None


def _arrow(pyarrow, kind: str):
    if kind == "time":
        return pyarrow.timestamp("us", tz="UTC")
    return {"bool": pyarrow.bool_(), "int64": pyarrow.int64(), "double": pyarrow.float64()}.get(kind, pyarrow.string())
