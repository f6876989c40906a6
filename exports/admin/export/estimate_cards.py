"""What the request page shows of a future export: a card for each archive."""

from django.urls import reverse
from django.utils.safestring import SafeString

from exports.models import Snapshot
from exports.operations import policy
from exports.package.estimate import Expected, Files, expected
from exports.package.options import ANONYMOUS, ExportOptions
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.anonymize.face.deployment_anonymizer import withholds
from psynetdata.models import Deployment

_NAMED = 6  # classes
_TITLES = {"regular": "What it will hold, as it is", ANONYMOUS: "What it will hold, anonymized"}


def expected_cards(snapshot: Snapshot, options: ExportOptions) -> list[Card]:
    return [_card(snapshot, options, one) for one in expected(snapshot, options)]


def _card(snapshot: Snapshot, options: ExportOptions, one: Expected) -> Card:
    how = "like the last one of its kind" if one.measured else "an estimate from typical exports"
    rows = f"{html.number(one.rows)} in {one.tables} tables, of"
    if (chosen := options.participants) is not None:
        there = snapshot.rows_of("participant") if "participant" in snapshot.tables else 0
        share = f"{html.number(len(chosen))} of {html.number(there)} participants"
        how, rows = "by their share of all participants", f"those of {share} and those of nobody, of"
    facts = [
        ("size", f"about {html.size(one.bytes)}, {how}"),
        ("rows", html.joined([rows, html.to_object(snapshot)])),
        ("time of the data", html.joined([html.utc(snapshot.taken_at), f"{html.age(snapshot.taken_at)} ago"])),
        ("holds", ", ".join(_size_rows(one))),
    ]
    if one.classes and chosen is None:
        facts.append(("class files", _classes(one.classes)))
    if options.wants_assets and chosen is None:
        facts.append(("asset files", _files(one)))
    if one.mode == ANONYMOUS:
        facts.append(("not decided", _undecided(snapshot.deployment, options.level)))
    return Card(_TITLES[one.mode], facts=facts)


def _size_rows(one: Expected) -> list[str]:
    parts = ["database.zip"] + (["class files"] if one.classes else []) + (["basic data"] if one.basic_data else [])
    return parts + (["source code"] if one.source_code else []) + ["manifest.json"]


def _classes(classes: list[tuple[str, int]]) -> str:
    named = [f"{name} ({html.number(rows)})" for name, rows in classes[:_NAMED]]
    more = len(classes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") + ", and one for each other table with rows"


def _files(one: Expected) -> str:
    counts = _counted(one.files)
    return f"{counts}; {_counted(one.withheld)} are personal and excluded" if one.withheld.count else counts


def _counted(files: Files) -> str:
    return f"{html.number(files.count)} ({html.size(files.bytes)} by their rows)" if files.count else "none"


def _undecided(deployment: Deployment, level: str) -> str | SafeString:
    """Return what no rule covers, as last listed, with a link to decide about it."""
    listing = policy.latest(deployment)
    way = html.link(reverse("admin:psynetdata_deployment_edit_policy", args=(deployment.pk,)), "Edit policy")
    if listing.snapshot is None:
        return html.joined(["it has not been listed yet what no rule covers", way])
    if not listing.found:
        return f"nothing, as of {listing.snapshot}"
    rows = sum(each["rows"] for each in listing.found)
    fate = "are withheld" if level == "open" or withholds(deployment) else "are exported scrubbed"
    return html.joined([f"{len(listing.found)} questions, keys and columns ({html.number(rows)} values) {fate}", way])
