"""Reads from a database what it says about its experiment: id, label, versions and the server's clock."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import jsontext, times
from .problems import BadInput
from .table_source import TableSource


@dataclass(frozen=True, slots=True)
class ExperimentInfo:
    """Values from psynet.experiment, ExperimentConfig.vars and ExperimentStatus. Empty text: not in the database.

    `clock_offset`: minutes that the server's clock is ahead of UTC, or None if it was not found.
    """

    deployment_id: str = ""
    label: str = ""
    psynet_version: str = ""
    dallinger_version: str = ""
    python_version: str = ""
    clock_offset: int | None = None
    experimenter: str = ""


# The value in Dallinger's configuration if nobody gave a name.
_NOBODY = "unknown"
_VARS = ("deployment_id", "label", "psynet_version", "dallinger_version", "python_version")


def read(source: TableSource) -> ExperimentInfo:
    """Read `experiment` and `experiment_status`; rows must come ordered by id.

    PsyNet keeps one row in `experiment`; if there are more, later rows override earlier ones.
    Raises BadInput if `experiment.vars` is not a JSON object: without it the deployment is unknown.
    """
    row_values: dict[str, str] = {}
    for (text,) in _pick(source, "experiment", "vars"):
        if text is None:
            continue
        variables = jsontext.decode(text)
        if not isinstance(variables, dict):
            raise BadInput(
                "Table experiment, column vars: the text is not a JSON object, "
                "so the deployment's id cannot be read from it."
            )
        row_values |= {name: variables[name] for name in _VARS if isinstance(variables.get(name), str)}
        config = variables.get("deployment_config")
        named = config.get("experimenter_name") if isinstance(config, dict) else None
        if isinstance(named, str) and named != _NOBODY:
            row_values["experimenter"] = named
    return ExperimentInfo(**row_values, clock_offset=_clock_offset(source))


def _clock_offset(source: TableSource) -> int | None:
    """Return the offset at launch: the one of the first row, by id, that has one."""
    for creation_time, extra_info in _pick(source, "experiment_status", "creation_time", "extra_info"):
        offset = times.clock_offset(creation_time, extra_info)
        if offset is not None:
            return offset
    return None


def _pick(source: TableSource, table: str, *names: str) -> Iterator[list[str | None]]:
    """Yield the named cells of each row; nothing if the table or one of the columns is missing."""
    if table not in source.tables():
        return
    columns = [column.name for column in source.columns(table)]
    if not set(names) <= set(columns):
        return
    positions = [columns.index(name) for name in names]
    for row in source.rows(table):
        yield [row[position] for position in positions]
