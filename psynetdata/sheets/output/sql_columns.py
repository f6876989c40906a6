"""A sheet's columns as SQL expressions, so that PostgreSQL writes them and no value is converted in Python.

A column has no such expression if SQL cannot express it, or if it holds a value for which SQL and our own conversion
(`value_types`) would differ: the sheet is then read row by row. `tests/sheets/test_postgres_copy.py` checks that both
ways return the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.db import connections, models
from django.db.models import F

from psynetdata.sheets.columns import value_types
from psynetdata.sheets.columns.sheet_columns import SheetColumn
from psynetdata.sheets.columns.table_shape import TableShape

# A whole JSON string without NUL and without half of a surrogate pair, which CSV shows unquoted.
_STRING = (
    r"""'^"([^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}"""
    r"""|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"[ \t\n\r]*$'"""
)
_UNQUOTED = (
    """CASE WHEN left({x}, 1) <> '"' THEN {x} """
    r"""WHEN {x} ~ '^"[^"\\\u0001-\u001f]*"$' THEN substr({x}, 2, length({x}) - 2) """
    f"WHEN {{x}} ~ {_STRING} THEN ({{x}})::json #>> '{{{{}}}}' ELSE {{x}} END"
)
_NUMBER = r"'^-?(0|[1-9]\d*)(\.\d+)?$'"
_TIME = """replace(to_char({x} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""
_VALUE = f"CASE {{x}} WHEN 'true' THEN 'True' WHEN 'false' THEN 'False' WHEN 'null' THEN NULL ELSE {_UNQUOTED} END"
_JSON_VALUE = (
    f"CASE WHEN {{x}} IN ('true', 'false', 'null') OR {{x}} ~ {_NUMBER} THEN ({{x}})::json "
    f"WHEN {{x}} IN ('NaN', 'Infinity', '-Infinity') THEN NULL ELSE to_json({_UNQUOTED}) END"
)
# Texts that are JSON of another kind than a plain string, or a number that Python writes differently.
_OBJECT = f"""(left({{x}}, 1) IN ('{{{{', '[') OR (left({{x}}, 1) = '"' AND {{x}} !~ {_STRING}))"""
_ODD_VALUE = rf"({_OBJECT} OR {{x}} ~ '^\s|\s$|^-?\d+(\.\d+)?[eE]')"


class Sql(models.Func):
    """SQL in which every `{x}` stands for an expression."""

    def __init__(self, template: str, expression, output_field: models.Field):
        super().__init__(F(expression) if isinstance(expression, str) else expression, output_field=output_field)
        self.template_text = template

    def as_sql(self, compiler, connection, **context):
        inner, parameters = compiler.compile(self.source_expressions[0])
        number = self.template_text.count("{x}")
        text = self.template_text.replace("{x}", f"({inner})").replace("{{}}", "{}").replace("{{", "{")
        return text, [*parameters] * number


@dataclass(frozen=True)
class Written:
    """One column as SQL. `odd`: an SQL condition for rows that SQL would write differently from Python."""

    template: str | None
    odd: str | None = None


def csv_expression(column: SheetColumn) -> Written | None:
    if column.in_python:
        return None
    held = column.field is not None and not isinstance(column.field, models.TextField)
    if column.kind == value_types.BOOL:
        yes, no = ("true", "false") if held else ("'t'", "'f'")
        return Written(f"CASE {{x}} WHEN {yes} THEN 'True' WHEN {no} THEN 'False' END")
    if column.kind == value_types.TIME:
        return Written(_TIME) if held else None
    if isinstance(column.field, models.FloatField):
        return Written(None, "abs({x}) >= 1e15")
    if column.kind in (value_types.TEXT, value_types.JSON):
        return Written(_UNQUOTED)
    return Written(_VALUE if column.kind == value_types.VALUE else None)


def json_expression(column: SheetColumn) -> Written | None:
    held = column.field is not None and not isinstance(column.field, models.TextField)
    if column.in_python or column.kind == value_types.JSON or (column.kind in value_types.TYPED and not held):
        return None
    if column.kind == value_types.TIME:
        return Written(_TIME)
    if column.kind == value_types.TEXT:
        return Written(_UNQUOTED, _OBJECT)
    return Written(_JSON_VALUE, _ODD_VALUE) if column.kind == value_types.VALUE else Written(None)


def expressions(shape: TableShape, columns: list[SheetColumn], of) -> list | None:
    """Return an expression for each column, or None if one has none, or if a row of the table is odd for one."""
    written = [of(column) for column in columns]
    if connections[shape.using].vendor != "postgresql" or None in written:
        return None
    if _is_odd(shape, tuple(_oddities(shape, columns, written))):
        return None
    text = models.TextField()
    return [
        column.expression if one.template is None else Sql(one.template, column.expression, text)
        for column, one in zip(columns, written, strict=True)
    ]


def _oddities(
    shape: TableShape, columns: list[SheetColumn], written: list[Written]
) -> Iterator[tuple[str, models.Expression]]:
    """Yield (SQL, its expression) of each condition that must not be true for any row."""
    for column, one in zip(columns, written, strict=True):
        if one.odd:
            yield one.odd, column.expression
        if not column.computed and not shape.is_exact(column.source_name):
            if column.field is None:
                yield r"strpos({x}, '\u0000') > 0", F("rest")
            else:  # a text in `rest` is more precise than the typed value
                name = column.source_name.replace("'", "''")
                yield f"""strpos({{x}}, '"{name}": ') > 0""", F("rest")


@lru_cache(maxsize=256)
def _is_odd(shape: TableShape, oddities: tuple[tuple[str, models.Expression], ...]) -> bool:
    """Return whether any row is odd. Reads the rows of a state once; the result is cached for that state."""
    if not oddities:
        return False
    conditions = {
        f"odd_{number}": models.Case(
            models.When(models.Q(Sql(template, expression, models.BooleanField())), then=1), default=0
        )
        for number, (template, expression) in enumerate(dict.fromkeys(oddities))
    }
    odd = (
        shape.rows()
        .order_by()
        .annotate(**conditions)
        .aggregate(**{f"any_{name}": models.Max(name) for name in conditions})
    )
    return any(odd.values())
