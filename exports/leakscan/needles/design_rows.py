"""Which rows nobody's participation made: only there are words certainly the experiment's own."""

from psynetdata.psynet.tables import EXPERIMENT_TABLES

from .table_rows import Cells

_TABLES = ("node", "network", "asset")
_MADE_BY = ("parent_id", "participant_id", "trial_id", "module_state_id", "response_id")
_TRUE = ("t", "true", "True", "1")


class DesignRows:
    """The rows of a table with these columns that the experimenter's code made before anybody came."""

    def __init__(self, table: str, columns: list[str]):
        self.possible = table in _TABLES
        self.lab = table in EXPERIMENT_TABLES
        self._made_by = [at for at, name in enumerate(columns) if name in _MADE_BY]
        self._degree = columns.index("degree") if "degree" in columns else None
        self._personal = columns.index("personal") if "personal" in columns else None

    def among(self, rows: list[Cells]) -> list[Cells]:
        """Return those of the rows that are part of the design."""
        return [row for row in rows if self.is_one(row)] if self.possible else []

    def is_one(self, row: Cells) -> bool:
        if not self.possible or any(row[at] for at in self._made_by):
            return False
        late = self._degree is not None and row[self._degree] not in ("", "0")
        return not late and (self._personal is None or row[self._personal] not in _TRUE)
