"""The texts of a Parquet file, in batches of rows. Without pyarrow such a member is unreadable."""

from collections.abc import Iterator
from importlib import util
from typing import IO, Any

from .formats import Unreadable

_ROWS = 8192


def batches(file: IO[bytes]) -> Iterator[tuple[list[str], list[list[str | None]]]]:
    """Yield (column names, columns of texts) for each batch. Raises Unreadable without pyarrow or if it is damaged."""
    if not util.find_spec("pyarrow"):
        raise Unreadable("Parquet, and pyarrow is not installed")
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(file)
        for batch in table.iter_batches(batch_size=_ROWS):
            yield batch.schema.names, [[_text(value) for value in column.to_pylist()] for column in batch.columns]
    except arrow.ArrowException as error:
        raise Unreadable(f"damaged ({type(error).__name__})") from error


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
