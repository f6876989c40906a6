"""Passwords and secrets, wherever the tables hold them.

`experiment_status.extra_info.basic_data_url` carries the dashboard's user and password in clear, an on-demand
asset's address its secret, `experiment.vars.deployment_config` the keys of services.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from . import names
from .jsonwalk import texts
from .strength import COMMON, looks_like_id

if TYPE_CHECKING:
    from .needles import Needles

KIND = "secret"

_CONFIGURATION = {
    "experiment": ("vars", "details"),
    "experiment_status": ("extra_info", "vars"),
    "asset": ("storage",),
}
_MARKS = ("password", "passwd", "secret", "token", "apikey", "api_key", "signature", "dashboard_user")
_OF_THE_LAB = ("experiment", "experiment_status", "asset")
_PARAMETER = re.compile(
    r"(?:password|passwd|secret|token|api_?key|signature|dashboard_user)(?:=|%3d)([^&\s\"'<>\\#]+)", re.I
)
_LOGIN = re.compile(r"://([^/\s:@\"'<>]*):([^/\s@\"'<>]+)@")


class Credentials:
    """Gathers secrets row by row."""

    def __init__(self, needles: "Needles"):
        self._needles = needles

    def begin(self, table: str, columns: list[str]) -> None:
        """Every column of every table can hold an address with a secret in it."""

    def row(self, table: str, cells: dict[str, str]) -> None:
        """Take one row: {column: text}, NULL left out."""
        if table == "asset" and "secret" in cells:
            self._needles.add(cells["secret"], KIND)
        text = "\n".join(cells.values())
        if ("=" in text or "%3" in text) and any(mark in text.lower() for mark in _MARKS):
            for found in _PARAMETER.findall(text):
                # `secret=keeping` in somebody's answer is no password.
                if table in _OF_THE_LAB or looks_like_id(found) or len(found) >= 16:
                    self._add(found)
        if "://" in text and "@" in text:
            for user, password in _LOGIN.findall(text):
                self._add(user)
                self._add(password)
        for column in _CONFIGURATION.get(table, ()):
            if column in cells:
                self._configuration(cells[column])

    def close(self) -> None:
        """Nothing waits."""

    def _configuration(self, cell: str) -> None:
        for key, value in texts(cell):
            if not key or not names.SECRET_KEY.search(key):
                continue
            says_secret = re.search("passw|secret", key, re.I)
            if says_secret or looks_like_id(value) or len(value) >= 16:
                self._add(value)

    def _add(self, value: str) -> None:
        if value.lower() not in COMMON and value.lower() not in ("true", "false"):
            self._needles.add(value, KIND)
            self._needles.add(unquote(value), KIND)
