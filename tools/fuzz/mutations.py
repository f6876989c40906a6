"""Changes of bytes and texts that find what parsers forget."""

from collections.abc import Callable
from random import Random

_PIECES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b'""', b",", b"\n", b"\r\n", b"\\", b"\\N", b"{",
    b"[" * 300, b"NaN", b"1e999", b"-0", b"9" * 40, b"null", b"\xed\xa0\x80", "\u0663".encode(), "\u202e".encode(),
    b'{"py/object": "os.system"}', b"../../x", b"'; DROP TABLE info; --", b"%s%n", b"2026-02-30 25:61:61", b"infinity",
    b"<script>",
)  # fmt: skip


def mutated(data: bytes, rng: Random) -> bytes:
    """Return the bytes with one to four changes."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(_CHANGES)(data, rng)
    return data


def _flip(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(data: bytes, rng: Random) -> bytes:
    return data[: rng.randint(0, len(data))]


def _remove(data: bytes, rng: Random) -> bytes:
    start = rng.randint(0, len(data))
    return data[:start] + data[start + rng.randint(0, 60) :]


def _insert(data: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(_PIECES) + data[at:]


def _repeat(data: bytes, rng: Random) -> bytes:
    start = rng.randint(0, len(data))
    part = data[start : start + rng.randint(1, 400)]
    return data[:start] + part * rng.randint(2, 5) + data[start:]


def _swap_lines(data: bytes, rng: Random) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


_CHANGES: tuple[Callable[[bytes, Random], bytes], ...] = (_flip, _cut, _remove, _insert, _insert, _repeat, _swap_lines)
