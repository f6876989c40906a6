"""Turn names from the data into file names that every system can store, and make sure that no two are equal.

Windows has the strictest rules, so these apply (reserved names, case, trailing dots). Names of up to MAX_NAME bytes
leave room for a folder's path.
"""

import hashlib
import re
import unicodedata
from itertools import count

MAX_NAME = 150
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?$", re.IGNORECASE)


def safe_name(name: str, extension: str = "") -> str:
    """Return a single file or folder name; a name that had to be changed gets a suffix made from the original."""
    cleaned = _FORBIDDEN.sub("_", name).rstrip(". ").lstrip(" ")
    if _RESERVED.match(cleaned + extension) or not cleaned or set(cleaned) == {"."}:
        cleaned = f"_{cleaned}"
    room = MAX_NAME - len(extension.encode())
    if cleaned == name and len(cleaned.encode()) <= room:
        return name + extension
    stem, ending = cleaned, ""
    if not extension and "." in cleaned[-12:-1]:
        stem, _, ending = cleaned.rpartition(".")
        ending = f".{ending}"
    mark = f"~{_mark(name)}"
    stem = stem.encode()[: room - len(mark) - len(ending.encode())].decode(errors="ignore")
    return f"{stem}{mark}{ending}{extension}"


def safe_path(path: str) -> str:
    """Return a relative path with `/`, each part made safe; it cannot leave its folder."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(safe_name(part) for part in parts) or "_"


class UsedNames:
    """Names used in one tree: no two differ only in case, and no file is where another needs a folder."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def claim(self, *wanted: str) -> str:
        """Return the first of the wanted paths that is free, else the last one with a number."""
        for path in wanted:
            if self.is_free(path):
                return self._keep(path)
        folder, _, name = wanted[-1].rpartition("/")
        stem, dot, ending = name.rpartition(".")
        for number in count(2):
            # If the folder's own name is already a file's, another folder takes its place.
            within = folder if self._is_open(folder) else f"~{_mark(folder)}~{number}"
            numbered = f"{stem}~{number}{dot}{ending}" if stem else f"{name}~{number}"
            path = f"{within}/{numbered}" if within else numbered
            if self.is_free(path):
                break
        return self._keep(path)

    def is_free(self, path: str) -> bool:
        """Return whether the name is unused, in any case, and no folder above it is a file's name."""
        key = _key(path)
        return key not in self._files and key not in self._folders and self._is_open(path.rpartition("/")[0])

    def _is_open(self, folder: str) -> bool:
        return not any(above in self._files for above in _above(_key(f"{folder}/x"))) if folder else True

    def _keep(self, path: str) -> str:
        key = _key(path)
        self._files.add(key)
        self._folders.update(_above(key))
        return path


def _above(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
