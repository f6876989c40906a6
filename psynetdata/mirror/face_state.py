"""The state of a deployment that a face shows."""

from collections.abc import Mapping

from psynetdata.models import Deployment, MirroredTable
from psynetdata.psynet.tables import known_tables


def shows(face: str, deployment: Deployment) -> dict[str, str]:
    """Return {table: name of the state} that the face shows now."""
    tables = MirroredTable.objects.using(face).filter(deployment_number=deployment.number)
    return dict(tables.values_list("table", "state"))


def columns(face: str, deployment: Deployment, table: str) -> list[list]:
    """Return [[name, type, not null], …] in the source's order; empty for a table that is not mirrored."""
    rows = MirroredTable.objects.using(face).filter(deployment_number=deployment.number, table=table)
    return rows.values_list("columns", flat=True).first() or []


def withheld(face: str, deployment: Deployment, table: str) -> frozenset[str]:
    """Return the columns that this face withholds in every row of the table."""
    rows = MirroredTable.objects.using(face).filter(deployment_number=deployment.number, table=table)
    return frozenset(rows.values_list("withheld", flat=True).first() or ())


def comparable(states: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return {table: name of its state} in a form that is equal for a face and its source.

    A face can show an experimenter's own table under another name (face_names.py), so these names are left out.
    """
    return sorted((table if table in known_tables() else "", state) for table, state in states.items())
