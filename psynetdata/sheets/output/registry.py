"""Every format of sheets by its name; `format=`, content negotiation and the schema come from here."""

from .csv_format import CsvFormat
from .json_format import JsonFormat
from .ndjson_format import NdjsonFormat
from .parquet_format import ParquetFormat
from .sheet_format import SheetFormat

FORMATS: dict[str, SheetFormat] = {
    each.name: each for each in (JsonFormat(), CsvFormat(), NdjsonFormat(), ParquetFormat())
}
FLAGS = tuple(each.flag for each in FORMATS.values() if each.flag)


def listed(names: list[str], word: str) -> str:
    """Return names as in a sentence: `a, b or c`."""
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
