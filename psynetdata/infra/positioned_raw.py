"""The part of a raw file that is alike for all files that are read from a position: seeking moves only a number."""

import io


class PositionedRaw(io.RawIOBase):
    """Subclasses define `_length` and `readinto`, which reads at `_at` and moves it."""

    _at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = 0 if whence == io.SEEK_SET else self._at if whence == io.SEEK_CUR else self._length()
        self._at = max(base + offset, 0)
        return self._at

    def _length(self) -> int:
        raise NotImplementedError
