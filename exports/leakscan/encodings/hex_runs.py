"""Runs of hexadecimal digits, in which hashes and encoded text may be."""

from .forms import LEAST_OF_HASH

_DIGITS = bytes(104 if chr(c) in "0123456789abcdefABCDEF" else 32 for c in range(256))
_SIGN = b"h" * LEAST_OF_HASH


def find(view: bytes) -> list[tuple[int, int]]:
    """Return [start, end) of each run of 16 digits or more."""
    runs = []
    digits = view.translate(_DIGITS)
    start = digits.find(_SIGN)
    while start >= 0:
        end = digits.find(b" ", start)
        end = len(view) if end < 0 else end
        runs.append((start, end))
        start = digits.find(_SIGN, end)
    return runs


def decode(digits: bytes) -> bytes:
    """Return the bytes of a run; a last digit without another one is left out."""
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
