"""pyarrow, which is optional: whether it is installed, and its types for our kinds of values."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.columns import value_types

if TYPE_CHECKING:
    import pyarrow


class NoPyarrow(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "Parquet needs pyarrow, which is not installed here; run `pip install -r requirements-parquet.txt`, "
            "or choose the format csv."
        )


def check_installed() -> None:
    """Raise NoPyarrow if pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise NoPyarrow


def type_of(kind: str | None) -> "pyarrow.DataType":
    """Return the type for numbers, booleans and times; everything else is text."""
    import pyarrow

    types = {
        value_types.WHOLE: pyarrow.int64(),
        value_types.NUMBER: pyarrow.float64(),
        value_types.BOOL: pyarrow.bool_(),
        value_types.TIME: pyarrow.timestamp("us", tz="UTC"),
    }
    return types.get(kind, pyarrow.string())
