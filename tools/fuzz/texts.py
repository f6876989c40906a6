"""The parsers of CSV, JSON text, class files and times; pure functions, so most inputs go here."""

import csv
import io
import json
from random import Random

from psynetdata.psynet import csvtext, jsontext, times
from tests.load.uploads import reference

from .limits import Score
from .mutations import mutated

_JSON = (
    '{"py/object": "psynet.asset.LocalStorage", "a": [1, 2.5, null, "\\u00e9", NaN], "b": {"c": true}}',
    '[[1, 2], {"answer": "yes", "time_taken": 1.25}]',
    '"text"',
    "12345678901234567890",
)
# Cells that the reference tables do not have: an empty text is not NULL, and a cell can hold any sign of the format.
_ODD_CELLS = b'id,one,other\n1,"",\n2,,""\n3,"a ""b""","c,d"\n4,"e\nf",\\.\n"",\xc3\xa9,"\r"\n'


def fuzz_csv(inputs: int, rng: Random) -> Score:
    """Read mutated tables; what can be read must be written again as records with equal cells."""
    score, tables = Score("CSV"), sorted((name, data[:6000]) for name, data in reference("static").items())
    for number in range(inputs):
        name, data = rng.choice(tables) if rng.random() < 0.8 else ("odd cells", _ODD_CELLS)
        broken = mutated(data, rng)
        score.run(lambda broken=broken: _round_trip(broken), f"input {number}, table {name}")
    return score


def _round_trip(data: bytes) -> str:
    try:
        rows = list(csvtext.rows(csvtext.records(io.BytesIO(data))))
    except (UnicodeDecodeError, csv.Error) as error:  # documented; exports.load says them in a sentence
        return type(error).__name__
    written = b"".join(csvtext.format_row(row) + b"\n" for row in rows)
    again = list(csvtext.rows(csvtext.records(io.BytesIO(written))))
    if again != rows:
        raise ValueError("cells changed on the way")
    return "read"


def fuzz_json(inputs: int, rng: Random) -> Score:
    """Decode mutated texts; what is returned must be JSON that a client can read."""
    score = Score("JSON")
    for number in range(inputs):
        text = mutated(rng.choice(_JSON).encode(), rng).decode("utf-8", "replace")
        score.run(lambda text=text: _decoded(text), f"input {number}: {text[:80]!r}")
    return score


def _decoded(text: str) -> str:
    value = jsontext.decode(text)
    if value is jsontext.MISSING:
        return "not JSON"
    json.dumps(jsontext.without_nan(value), allow_nan=False)
    return "decoded"


def fuzz_times(inputs: int, rng: Random) -> Score:
    score = Score("times")
    for number in range(inputs):
        text = mutated(b"2026-11-22 09:15:23.123456", rng).decode("utf-8", "replace")
        score.run(lambda text=text: _time(text), f"input {number}: {text!r}")
    return score


def _time(text: str) -> str:
    return "time" if times.parse(text) is not None else "not a time"
