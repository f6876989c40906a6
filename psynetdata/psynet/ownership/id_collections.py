"""Collections of row ids as they appear in cells, in which consecutive whole numbers take little memory."""

from array import array

_BITS = 13  # ids in a block: 8192
_INSIDE = (1 << _BITS) - 1


class IdSet:
    """A set of texts in which a whole number takes one bit."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self._texts: set[str] = set()

    def add(self, text: str) -> None:
        if not _is_id(text):
            self._texts.add(text)
            return
        number = int(text)
        block = self._blocks.get(number >> _BITS)
        if block is None:
            block = self._blocks[number >> _BITS] = bytearray(1 << _BITS - 3)
        block[(number & _INSIDE) >> 3] |= 1 << (number & 7)

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str) or not _is_id(text):
            return text in self._texts
        number = int(text)
        block = self._blocks.get(number >> _BITS)
        return block is not None and bool(block[(number & _INSIDE) >> 3] & 1 << (number & 7))


class IdMap:
    """A dictionary from texts to texts in which a whole number with a whole number takes four bytes."""

    # Values of a block: 0 is nothing, 1 is the empty text, and n + 2 is the number n.
    _MOST = (1 << 32) - 3

    def __init__(self) -> None:
        self._blocks: dict[int, array[int]] = {}
        self._texts: dict[str, str] = {}

    def __setitem__(self, key: str, value: str) -> None:
        code = self._code(value)
        if code is None or not _is_id(key):
            self._texts[key] = value
            return
        self._texts.pop(key, None)
        number = int(key)
        block = self._blocks.get(number >> _BITS)
        if block is None:
            block = self._blocks[number >> _BITS] = array("I", bytes(array("I").itemsize << _BITS))
        block[number & _INSIDE] = code

    def get(self, key: str) -> str | None:
        if key in self._texts:
            return self._texts[key]
        if not _is_id(key):
            return None
        number = int(key)
        block = self._blocks.get(number >> _BITS)
        code = block[number & _INSIDE] if block is not None else 0
        return None if code == 0 else "" if code == 1 else str(code - 2)

    def setdefault(self, key: str, value: str) -> str:
        if (known := self.get(key)) is not None:
            return known
        self[key] = value
        return value

    def _code(self, value: str) -> int | None:
        if not value:
            return 1
        return int(value) + 2 if _is_id(value) and int(value) <= self._MOST else None


def _is_id(text: str) -> bool:
    """Return whether the text is a number exactly as PostgreSQL writes integers, not a text such as `007`."""
    return 0 < len(text) <= 10 and text.isascii() and text.isdigit() and (text[0] != "0" or text == "0")
