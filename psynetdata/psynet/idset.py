class IdSet:
    """A set of texts (row ids as they appear in cells) in which consecutive whole numbers take one bit each."""

    def __init__(self) -> None:
        self._blocks: dict[int, bytearray] = {}
        self._texts: set[str] = set()

    def add(self, text: str) -> None:
        if not _is_id(text):
            self._texts.add(text)
            return
        number = int(text)
        block = self._blocks.get(number >> 13)
        if block is None:
            block = self._blocks[number >> 13] = bytearray(1 << 10)
        block[(number & 8191) >> 3] |= 1 << (number & 7)

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str) or not _is_id(text):
            return text in self._texts
        number = int(text)
        block = self._blocks.get(number >> 13)
        return block is not None and bool(block[(number & 8191) >> 3] & 1 << (number & 7))


def _is_id(text: str) -> bool:
    """Return whether the text is a number exactly as PostgreSQL writes integers, not a text such as `007`."""
    return 0 < len(text) <= 10 and text.isascii() and text.isdigit() and (text[0] != "0" or text == "0")
