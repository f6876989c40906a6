"""A participant's journey through the experiment: trials, responses and assets in chronological order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import Asset, Participant, Response, Trial

MOST = 200  # rows of each kind that the page shows
_KINDS = ((Trial, "trial", "info"), (Response, "response", "neutral"), (Asset, "asset", "success"))


@dataclass(frozen=True)
class Step:
    """One row of the journey. `after`: time since the start, like `+3:07`; `files`: for admin/exports/asset.html."""

    at: datetime | None
    time: Any
    what: Any
    link: Any
    label: str
    after: str
    facts: list[tuple[str, Any]]
    files: list[dict]


def journey_card(obj: Participant, face: str, files_of: Callable[[list[Asset]], Mapping[int, list[dict]]]) -> Card:
    """Return the journey's card. `files_of` returns the files of assets, by asset id. One query per kind of row."""
    rows_by_model = {model: _rows(model, obj, face) for model, _, _ in _KINDS}
    cut = any(len(rows) > MOST for rows in rows_by_model.values())
    files = files_of(rows_by_model[Asset][:MOST]) if rows_by_model[Asset] else {}
    steps = [
        _step(row, html.badge(name, colour), obj, files.get(row.id, []) if model is Asset else [])
        for model, name, colour in _KINDS
        for row in rows_by_model[model][:MOST]
    ]
    # Rows without a time come last; rows with the same time are ordered by id.
    steps.sort(key=lambda step: (step.at is None, step.at or obj.creation_time))
    note = f"The first {MOST} of each kind; the lists above have all." if cut else ""
    note = note if steps else "There are no trials, responses or assets."
    context = {"steps": steps}
    return Card("Journey through the experiment", template="admin/psynetdata/way.html", note=note, context=context)


def _rows(model, obj: Participant, face: str) -> list:
    rows = model.objects.using(face).filter(deployment_number=obj.deployment_number, participant_id=obj.id)
    return list(rows.defer("rest", "vars").order_by("creation_time", "id")[: MOST + 1])


def _step(row, what, obj: Participant, files: list[dict]) -> Step:
    describe = {Trial: _of_trial, Response: _of_response, Asset: _of_asset}[type(row)]
    start, at = obj.creation_time, row.creation_time
    after = _clock((at - start).total_seconds()) if at and start and at >= start else ""
    link = html.link(html.change_url(type(row), row.key), row.id)
    return Step(at, html.utc(at), what, link, _label(row), after, describe(row), files)


def _label(row) -> str:
    if isinstance(row, Response):
        return row.question or ""
    if isinstance(row, Asset):
        return " / ".join(filter(None, (row.module_id, row.local_key)))
    return " in ".join(filter(None, (row.class_name, row.trial_maker_id)))


def _of_trial(row: Trial) -> list[tuple[str, Any]]:
    facts = [("answer", html.value(row.answer)), ("definition", html.value(row.definition))]
    if row.score is not None:
        facts.append(("score", row.score))
    if row.failed:
        facts.append(("failed", html.joined([html.badge("failed"), row.failed_reason or ""])))
    return facts


def _of_response(row: Response) -> list[tuple[str, Any]]:
    return [("answer", html.value(row.answer))]


def _of_asset(row: Asset) -> list[tuple[str, Any]]:
    return [("description", row.description)] if row.description else []


def _clock(seconds: float) -> str:
    """Return `+3:07` or `+1:02:03`."""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{left:02}" if hours else f"+{minutes}:{left:02}"
