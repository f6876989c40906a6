"""The MD5 of a folder as in PsyNet's `asset.md5_contents` (psynet.utils.md5_directory)."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from psynetdata.psynet.csvtext import BLOCK


def md5_of_folder(files: Iterable[tuple[str, Path]]) -> str:
    """Return the hash. `files`: (path within the folder, where it can be read) of each file.

    Names and contents are hashed in the order of lower-case names, folders at the position of their own name; names
    that begin with a dot are left out. Empty folders are not seen here, although PsyNet hashes their names.
    """
    tree: dict = {}
    for inside, path in files:
        *folders, name = inside.split("/")
        here = tree
        for folder in folders:
            here = here.setdefault(folder, {})
        here[name] = path
    digest = hashlib.md5(usedforsecurity=False)
    _update(digest, tree)
    return digest.hexdigest()


def _update(digest, tree: dict) -> None:
    for name, content in sorted(tree.items(), key=lambda item: item[0].lower()):
        if name.startswith("."):
            continue
        digest.update(name.encode("utf-8", "surrogateescape"))
        if isinstance(content, dict):
            _update(digest, content)
            continue
        with content.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
