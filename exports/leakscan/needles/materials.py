"""Personal assets and folders of the server.

An asset is personal if PsyNet says so, if its parent is a trial or a participant, or if its node was made from trials
(a node with a parent: psynet.trial.chain, ChainNode). Values that a public asset also holds are not identifiers:
several public stimuli share the MD5 of an empty file.
"""

import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import unquote

from psynetdata.psynet import jsontext
from psynetdata.psynet.column_roles import Role, columns_with_role

if TYPE_CHECKING:
    from .needle import Needles

KIND = "personal_asset"
FOLDER = "server_path"

_PLACES = columns_with_role(Role.FILE, "asset")
_HASHES = columns_with_role(Role.FILE_HASH, "asset")
_TRUE = ("t", "true", "True", "1")


class Materials:
    """Collects what points to personal assets; the table `node` must come before `asset`.

    `decided`: ids of assets that staff declared not personal. `known`: ids of assets that were personal at another
    time, and so are now.
    """

    def __init__(self, needles: "Needles", decided: frozenset[str] = frozenset(), known: frozenset[str] = frozenset()):
        self._needles, self._decided, self._known = needles, decided, known
        self._made_nodes: set[str] = set()
        # {value that leads to a file: the asset's id}
        self._personal: dict[str, str] = {}
        self._public: set[str] = set()
        self._basenames: Counter[str] = Counter()
        self._table = ""
        self._columns: list[str] = []

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table; only `node` and `asset` are used."""
        self._table, self._columns = table, columns

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        """Take some rows of the table; NULL is ""."""
        if self._table not in ("node", "asset"):
            return
        for row in rows:
            cells = {name: cell for name, cell in zip(self._columns, row, strict=False) if cell}
            if self._table == "asset":
                self._asset(cells)
            elif "parent_id" in cells:
                self._made_nodes.add(cells.get("id", ""))

    def merge(self, other: "Materials") -> None:
        """Add what another collector found; nodes and the assets made from them must be in the same one."""
        self._personal.update(other._personal)
        self._public |= other._public
        self._basenames.update(other._basenames)

    @property
    def personal(self) -> dict[str, str]:
        """{value that leads to a personal file: the asset's id}, with those that a public asset has too."""
        return self._personal

    def know(self, value: str, asset: str) -> None:
        """Add a value that led to a personal file at another time."""
        if asset not in self._decided:
            self._personal.setdefault(value, asset)

    def _asset(self, cells: dict[str, str]) -> None:
        self._folders(cells)
        values = [cells[name] for name in (*_PLACES, *_HASHES) if name in cells]
        values += [unquote(value) for value in values]
        basenames = {basename for name in _PLACES if (basename := _basename(cells.get(name, "")))}
        self._basenames.update(basenames)
        if self._is_personal(cells):
            self._personal.update(dict.fromkeys((*values, *sorted(basenames)), cells.get("id", "")))
        else:
            self._public.update(values, basenames, filter(None, [cells.get("local_key")]))

    def close(self) -> None:
        for value in self._personal:
            if value in self._public or self._basenames[value] > 1:
                self._needles.set_aside[KIND] += 1
            else:
                self._needles.add(value, KIND)

    def _is_personal(self, cells: dict[str, str]) -> bool:
        """Return whether an asset is personal. PsyNet's flag always counts; staff may have decided about the others."""
        if cells.get("personal") in _TRUE or cells.get("id") in self._decided:
            return cells.get("personal") in _TRUE
        return (
            "trial_id" in cells
            or "participant_id" in cells
            or cells.get("id") in self._known
            or cells.get("node_id") in self._made_nodes
            or _names_a_person(cells.get("parent", ""))
        )

    def _folders(self, cells: dict[str, str]) -> None:
        for column, keys in (("vars", ("file_system_path",)), ("storage", ("root", "_root"))):
            value = jsontext.decode(cells.get(column))
            if isinstance(value, dict):
                for key in keys:
                    if _is_absolute(value.get(key)):
                        self._needles.add(value[key], FOLDER)


def _is_absolute(path: object) -> bool:
    """Return whether a path reveals a machine and its users; the root of an S3 storage is part of public addresses."""
    return isinstance(path, str) and path.count("/") >= 2 and (path[0] in "/~" or path[1:2] == ":")


def _names_a_person(parent: str) -> bool:
    """Return whether the parent is a person's. `parent` is jsonpickle text: {"py/object": "psynet.…", …}."""
    value = jsontext.decode(parent)
    if not isinstance(value, dict):
        return False
    class_name = str(value.get("py/object", "")).rpartition(".")[2].lower()
    return class_name.endswith("trial") or "participant" in class_name or class_name == "bot"


def _basename(path: str) -> str:
    """Return the last part of a path if it identifies a file: it has a digit and at least eleven characters."""
    name = re.split(r"[?#]", unquote(path))[0].rstrip("/").rpartition("/")[2]
    return name if len(name) >= 11 and re.search(r"\d", name) else ""
