"""Passwords and secrets, wherever the tables hold them.

`experiment_status.extra_info.basic_data_url` holds the dashboard's user and password as plain text, an on-demand
asset's address its secret, `experiment.vars.deployment_config` the keys of services.
"""

import re
from urllib.parse import unquote

from psynetdata.psynet.column_roles import Role, columns_with_role
from psynetdata.psynet.table_source import TableSource
from psynetdata.psynet.tables import EXPERIMENT_TABLES

from . import identity_names
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
_LOGIN = re.compile(r"://([^/\s:@\"'<>]*):([^/\s@\"'<>]+)@")


class Credentials:
    """Collects secrets, chunk by chunk."""

    def __init__(self, needles: Needles):
        self._needles = needles
        self._table = ""
        self._secrets: list[int] = []
        self._settings: list[int] = []

    def begin(self, table: str, columns: list[str]) -> None:
        """Start a table. Every column of every table can hold an address with a secret in it."""
        self._table = table
        secrets = columns_with_role(Role.SECRET, table)
        settings = (*columns_with_role(Role.CONFIGURATION, table), *_MORE_CONFIGURATION.get(table, ()))
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
            if marked and ("=" in text or "%3" in text) and any(mark in text.lower() for mark in _MARKS):
                self._parameters(text)
            if "://" in text and "@" in text:
                for user, password in _LOGIN.findall(text):
                    self._add(user)
                    self._add(password)

    def merge(self, other: "Credentials") -> None:
        """Do nothing: everything collected is already in the needles."""

    def close(self) -> None:
        """Do nothing: no value is waiting."""

    def _parameters(self, text: str) -> None:
        for matches in _PARAMETER.findall(text):
            # `secret=keeping` in somebody's answer is not a password.
            if self._table in _OF_THE_LAB or looks_like_id(matches) or len(matches) >= 16:
                self._add(matches)

    def _configuration(self, cell: str) -> None:
        for key, value in texts(cell):
            if not key or not identity_names.SECRET_KEY.search(key):
                continue
            says_secret = re.search("passw|secret", key, re.I)
            if says_secret or looks_like_id(value) or len(value) >= 16:
                self._add(value)

    def _add(self, value: str) -> None:
        if value.lower() not in COMMON and value.lower() not in ("true", "false"):
            self._needles.add(value, SECRET)
            self._needles.add(unquote(value), SECRET)


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
