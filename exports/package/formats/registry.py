"""Every format of class files by its name; the option `format` and its words on pages come from here."""

from .csv_format import CsvFormat
from .file_format import FileFormat
from .parquet_format import ParquetFormat

FORMATS: dict[str, FileFormat] = {each.name: each for each in (CsvFormat(), ParquetFormat())}
