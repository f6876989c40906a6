"""Reads lines of `logs.jsonl` leniently: an object with a time, a level and a message, or any other text."""

import json
from dataclasses import dataclass

_TIMES = ("timestamp", "time", "asctime", "@timestamp", "created", "ts")
_LEVELS = ("level", "levelname", "severity")
_MESSAGES = ("message", "msg", "event")
# A longer line is not parsed: nobody reads it on a page, and decoding takes many times its size.
_LONGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class LogLine:
    """`time` as written in the line, `level` in capitals, or "". `message` is the whole line if it has no message."""

    time: str
    level: str
    message: str


def parse(line: bytes) -> LogLine:
    text = line[:_LONGEST].decode("utf-8", errors="replace").strip()
    try:
        fields = json.loads(text) if len(line) <= _LONGEST else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return LogLine("", "", text)
    message = _first(fields, _MESSAGES)
    return LogLine(_first(fields, _TIMES), _first(fields, _LEVELS).upper(), text if message == "" else message)


def _first(fields: dict[str, object], names: tuple[str, ...]) -> str:
    value = next((fields[name] for name in names if fields.get(name) not in (None, "")), "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
