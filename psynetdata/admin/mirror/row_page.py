"""The page of one mirrored row: a summary, links to related rows, and all its columns."""

from typing import Any

from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.models import MirroredTable, MirrorModel
from psynetdata.models.mirror.base import face_label


def table_state(face: str, obj: MirrorModel) -> MirroredTable | None:
    """Return the state of the row's table that the face shows."""
    table = getattr(obj, "TABLE", None) or obj.table
    return MirroredTable.objects.using(face).filter(deployment_number=obj.deployment_number, table=table).first()


def in_short(obj: MirrorModel, state: MirroredTable | None, face: str, labels: dict[int, str]) -> Card:
    facts = [
        ("id", obj.id),
        ("class", obj.class_name),
        ("deployment", labels.get(obj.deployment_number, f"deployment {obj.deployment_number}")),
        ("face", html.badge(face_label(face), face_colour(face))),
        ("mirrored", html.utc(state.refreshed_at) if state else html.EMPTY),
    ]
    return Card("Summary", facts=facts)


def face_colour(face: str) -> str:
    return "warning" if face == "identified" else "success"


def readable(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")


def links_to_rows(obj: MirrorModel, places: tuple[tuple[type[MirrorModel], str], ...]):
    """Return links to the lists of rows that contain this row's id."""
    return html.joined(
        html.link(
            html.list_url(model, deployment=obj.deployment_number, **{column: obj.id}), model._meta.verbose_name_plural
        )
        for model, column in places
    )


def everything(obj: MirrorModel, state: MirroredTable | None) -> list[Card]:
    """Return cards with every column of the source row: first those with a value, then empty and withheld ones."""
    rest = obj.rest_columns
    kinds = {name: kind for name, kind, *_ in state.columns} if state else {}
    names = list(kinds) or [*obj.typed_fields(), *rest]
    withheld = set(state.withheld) if state else set()
    full, empty = [], []
    for name in names:
        content = _content(obj, rest, name, kinds.get(name))
        if name in withheld:
            empty.append((name, html.badge("withheld on this face", "neutral")))
        elif content in (None, "", "{}", "[]"):
            empty.append((name, html.value(content)))
        else:
            full.append((name, html.value(content)))
    cards = [Card("All columns", facts=full)]
    if empty:
        cards.append(Card(f"{len(empty)} empty or withheld columns", facts=empty, folded=True))
    return cards


def _content(obj: MirrorModel, rest: dict[str, str | None], column: str, kind: str | None) -> Any:
    """Return the typed value, or the source's text if no typed column holds it (NaN, infinity, other columns)."""
    value = getattr(obj, column) if column in obj.typed_fields() else None
    if value is not None:
        return value
    text = rest.get(column)
    return {"t": True, "f": False}.get(text, text) if kind == "bool" else text
