"""Rows of the experiment's design: nobody's participation made them, so their words are the experiment's own."""

from psynetdata.psynet.csvtext import Row

# A row of other tables is part of what people did, or of an experimenter's own table, which can hold anything.
TABLES = ("node", "network", "asset")
# Someone's row, or a row made from someone's answer (psynet.trial.chain, ChainNode.create_definition_from_seed).
_MAKERS = ("parent_id", "participant_id", "trial_id", "module_state_id", "response_id")


class DesignRows:
    """Distinguishes the rows of one table."""

    def __init__(self, table: str, names: list[str]):
        at = {name: index for index, name in enumerate(names)}
        self._possible = table in TABLES
        self._makers = [at[name] for name in _MAKERS if name in at]
        self._degree = at.get("degree")
        self._personal = at.get("personal")

    def has(self, row: Row) -> bool:
        """Return whether the row is part of the design."""
        if not self._possible or any(row[place] for place in self._makers):
            return False
        if self._degree is not None and (row[self._degree] or "0") != "0":
            return False
        return self._personal is None or row[self._personal] != "t"
