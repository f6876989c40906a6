"""Format rows as a table for people: columns as wide as needed, numbers on the right."""

from collections.abc import Iterable


def table(header: list[str], rows: Iterable[list]) -> list[str]:
    """Return the lines. An int or float is a number and is aligned right; None is a dash."""
    rows = list(rows)
    cells = [header, *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [
        bool(rows) and all(row[column] is None or isinstance(row[column], int | float) for row in rows)
        for column in range(len(header))
    ]
    return [
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]


def rows_per_table(rows: dict[str, int]) -> list[str]:
    """Return a line for each table with rows, and one that counts these and the empty ones."""
    filled = {name: count for name, count in sorted(rows.items()) if count}
    lines = table(["", ""], [[name, count] for name, count in filled.items()])[1:]
    return [*lines, f"{len(filled)} tables with rows, {len(rows) - len(filled)} empty"]


def _text(value) -> str:
    return "-" if value is None else str(value)
