"""Passwords and secrets, wherever the tables hold them.

`experiment_status.extra_info.basic_data_url` holds the dashboard's user and password as plain text, an on-demand
asset's address its secret, `experiment.vars.deployment_config` the keys of services.
"""

import re
from urllib.parse import unquote

from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.table_source import TableSource
from psynetdata.psynet.tables import EXPERIMENT_TABLES
from psynetdata.psynet.wordlists.exemptions import SCAN, limit

from . import identity_names
from .design_rows import DesignRows
from .json_texts import texts
from .needle import SECRET, Needles
from .strength import COMMON, looks_like_id

# The scan's own judgement: secrets may be in these too.
_MORE_CONFIGURATION = {"experiment": ("details",), "experiment_status": ("vars",), "asset": ("storage",)}
_MARKS = ("password", "passwd", "secret", "token", "apikey", "api_key", "signature", "dashboard_user")
_SIMPLE = re.compile(r"\w{1,40}")
_OF_THE_LAB = (*EXPERIMENT_TABLES, "asset")
_PARAMETER = re.compile(
    r"(?:password|passwd|secret|token|api_?key|signature|dashboard_user)(?:=|%3d)([^&\s\"'<>\\#]+)", re.I
)
_PASSWORD = re.compile(r"passw(?:or)?d(?:=|%3d)[^&\s\"'<>\\#]", re.I)
_ESCAPED = re.compile(r"\\u((?!d[89a-f])[0-9a-f]{4})", re.I)
_SHORTEST_LOGIN = limit("login_length", SCAN)
_LOGIN = re.compile(r"://([^/\s:@\"'<>]*):([^/\s@\"'<>]+)@")


class Credentials:
    """Collects secrets, chunk by chunk."""

    def __init__(self, needles: Needles):
        self._needles = needles
        self._table, self._design = "", DesignRows("", [])
        self._written: list[int] = []
        self._secrets: list[int] = []
        self._settings: list[int] = []

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table. Every column of every table can hold an address with a secret in it."""
        self._table, self._design = table, DesignRows(table, columns)
        secrets = columns_with_role(Role.SECRET, table)
        settings = (*columns_with_role(Role.CONFIGURATION, table), *_MORE_CONFIGURATION.get(table, ()))
        written = columns_with_role(Role.WRITTEN, table) if self._design.possible else ()
        self._written = [at for at, name in enumerate(columns) if name in written]
        self._secrets = [at for at, name in enumerate(columns) if name in secrets]
        self._settings = [at for at, name in enumerate(columns) if name in settings]

    def chunk(self, rows: list[list[str]], raw: bytes) -> None:
        """Take some rows of the table; NULL is ""."""
        for row in rows if self._secrets or self._settings else ():
            for at in self._secrets:
                self._needles.add(row[at], SECRET)
            for at in self._settings:
                self._configuration(row[at])
        lowered = raw.lower()
        marked = (b"=" in raw or b"%3" in raw) and any(mark.encode() in lowered for mark in _MARKS)
        if not marked and not (b"://" in raw and b"@" in raw):
            return
        for row in rows:
            text = "\n".join(row)
            self._text(text, marked, typed=self._table not in _OF_THE_LAB)
            if self._written and self._design.is_one(row):
                self._text("\n".join(row[at] for at in self._written), marked, typed=False)

    def merge(self, other: "Credentials") -> None:
        """Do nothing: everything collected is already in the needles."""

    def close(self) -> None:
        """Do nothing: no value is waiting."""

    def _text(self, text: str, marked: bool, *, typed: bool) -> None:
        if "\\u" in text:  # as JSON writes letters
            text += "\n" + _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        if marked and ("=" in text or "%3" in text) and any(mark in text.lower() for mark in _MARKS):
            self._parameters(text, typed)
        if "://" in text and "@" in text:
            for user, password in _LOGIN.findall(text):
                for part in (user, password):
                    if len(part.encode("utf-8", "surrogatepass")) >= _SHORTEST_LOGIN:
                        self._add(part, typed=typed)

    def _parameters(self, text: str, typed: bool) -> None:
        for matches in _PARAMETER.findall(text):
            # `secret=keeping` in somebody's answer is not a password.
            if self._table in _OF_THE_LAB or looks_like_id(matches) or len(matches) >= 16:
                self._add(matches, typed=typed)

    def _configuration(self, cell: str) -> None:
        for key, value in texts(cell):
            if not key or not identity_names.SECRET_KEY.search(key):
                continue
            says_secret = re.search("passw|secret", key, re.I)
            if says_secret or looks_like_id(value) or len(value) >= 16:
                self._add(value)

    def _add(self, value: str, *, typed: bool = False) -> None:
        if value.lower() not in COMMON:
            for each in (value, value.split(";")[0]):
                self._needles.add(each, SECRET, typed=typed)
                self._needles.add(unquote(each), SECRET, typed=typed)


def passwords(source: TableSource) -> list[tuple[str, str, str]]:
    """Return (table, column, key) of each place in the lab's own tables that holds a working password."""
    settings: dict[tuple[str, str, str], None] = {}
    for table in EXPERIMENT_TABLES:
        names_ = [column.name for column in source.columns(table)] if table in source.tables() else []
        for row in source.rows(table) if names_ else ():
            for column, cell in zip(names_, row, strict=False):
                for key, value in texts(cell, parameters=False) if cell else ():
                    if _opens(key, value):
                        settings[table, column, key if key and _SIMPLE.fullmatch(key) else ""] = None
    return list(settings)


def _opens(key: str | None, value: str) -> bool:
    in_address = _PASSWORD.search(value) or any(password for _, password in _LOGIN.findall(value))
    return bool(in_address or (key and re.search("passw", key, re.I) and value))
