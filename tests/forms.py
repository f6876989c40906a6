"""Writes a value in each form of psynetdata/psynet/forms.csv: one function for each line of the list."""

import base64
import gzip
import hashlib
import html
import json
import zlib
from collections.abc import Callable
from urllib.parse import quote


def _each(write: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: "".join(map(write, value))


def _utf16_units(character: str) -> list[str]:
    data = character.encode("utf-16-be")
    return [data[at : at + 2].hex() for at in range(0, len(data), 2)]


def _in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def percent(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


def _between(sign: str) -> Callable[[str], str]:
    """Put a sign after the second character and before the last one, and nowhere in between."""
    return lambda value: value[:2] + sign + value[2:-1] + sign + value[-1]


FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

# Forms of any value.
WRITE: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper_case": str.upper,
    "title_case": str.title,
    "percent": percent,
    "double_percent": lambda v: quote(percent(v).lower(), safe=""),
    "percent_u": _each(lambda c: "".join(f"%u{unit}" for unit in _utf16_units(c))),
    "html": lambda v: "".join(f"&#{ord(c)};" if c in "-.:@/+" else html.escape(c) for c in v),
    "html_open": _each(lambda c: f"&#{ord(c)}"),
    "json": _each(lambda c: "".join(f"\\u{unit}" for unit in _utf16_units(c))),
    "json_in_json": lambda v: json.dumps(json.dumps({"in": json.dumps([v])})),
    "braces": _each(lambda c: f"\\u{{{ord(c):x}}}"),
    "quoted_printable": lambda v: "".join(f"={byte:02X}" for byte in v.encode()),
    "full_width": lambda v: v.translate(FULL_WIDTH),
    "compatibility": _each(lambda c: chr(0x1D7D8 + int(c)) if "0" <= c <= "9" else c),
    "zero_width": _between("\u200b"),
    "soft_hyphen": _between("\u00ad"),
    "combining": _between("\u0301"),
    "non_breaking": lambda v: v.replace("-", "\u2011").replace(" ", "\u00a0"),
    "dashes": lambda v: v.replace("-", "\u2013"),
    "hex": lambda v: f"id: {v}".encode().hex(),
    "hex_upper_case": lambda v: ("f" + f"id: {v}".encode().hex() + "0").upper(),
    "base64": lambda v: _in_base64(v.encode()),
    "base64_url": lambda v: base64.urlsafe_b64encode(f"user: {v}?>~".encode()).decode(),
    "base64_unpadded": lambda v: base64.urlsafe_b64encode(f"user: {v}?".encode()).decode().rstrip("="),
    "base64_unaligned": lambda v: "xy-" + _in_base64(b":" + v.encode()),
    "base64_twice": lambda v: _in_base64(_in_base64(v.encode()).encode()),
    "base64_utf16": lambda v: _in_base64(v.encode("utf-16-le")),
    "base64_percent": lambda v: _in_base64(percent(v).encode()),
    "base64_html": lambda v: _in_base64("".join(f"&#{ord(c)};" for c in v).encode()),
    "base64_json": lambda v: _in_base64(json.dumps({"id": v}).encode()),
    "base64_signs": lambda v: quote(_in_base64(b"\xff\xfe" + v.encode() + b"\xfb\xff"), safe=""),
    "base64_lines": lambda v: base64.encodebytes(b"see " * 12 + v.encode() + b" here" * 9).decode(),
    "base64_gzip": lambda v: _in_base64(gzip.compress(v.encode(), mtime=0)),
    "base64_zlib": lambda v: _in_base64(zlib.compress(json.dumps({"id": v}).encode())),
    "md5": lambda v: hashlib.md5(v.encode()).hexdigest(),
    "sha1": lambda v: hashlib.sha1(v.encode()).hexdigest().upper(),
    "sha256": lambda v: hashlib.sha256(v.encode()).hexdigest(),
    "sha512": lambda v: hashlib.sha512(v.encode()).hexdigest(),
    "hash_prefix": lambda v: hashlib.sha256(v.encode()).hexdigest()[:16],
    "hash_in_hex": lambda v: f"deadbeef{hashlib.sha1(v.encode()).hexdigest()}00",
}
# Forms of ids that consist of digits: six or more.
WRITE_NUMBER: dict[str, Callable[[str], str]] = {
    "number": str,
    "decimal": lambda v: f"{v}.0",
    "thousands": lambda v: f"{int(v):,}",
    "thousands_point": lambda v: f"{int(v):,}".replace(",", "."),
    "thousands_space": lambda v: f"{int(v):,}".replace(",", "\u00a0"),
}
