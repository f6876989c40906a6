"""Verify stored data, from its page."""

from exports.models import Export, Snapshot
from exports.operations import verify
from psynetdata.admin.job import progress_card, reason_of
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan


def plan_to_verify(row: Snapshot | Export) -> ConfirmationPlan:
    sentence = f"A worker reads everything that is stored of {row}, compares its hashes and counts its rows."
    return ConfirmationPlan("Verify", [sentence, "Nothing is changed."], "Verify it")


def ask_to_verify(request, row: Snapshot | Export) -> str:
    job = verify.ask(row, owner=request.user)
    return f"{str(job).capitalize()} is verifying {row}; this page shows what it finds."


def verified_card(request, row: Snapshot | Export) -> list[Card]:
    """Return a card on the progress, or on the last result; none if nobody has verified it yet."""
    job = verify.last(row)
    if job is None:
        return []
    if not job.is_over:
        return [progress_card(request, job, "Verifying")]
    outcome = _outcome(job.result) if job.state == job.State.DONE else reason_of(request.user, job)
    when = html.joined([html.to_object(job), html.badge(job.state), html.utc(job.finished_at)])
    return [Card("Verified", facts=[("last", when), ("found", outcome)])]


def _outcome(result: dict) -> str:
    rows, size = html.number(result["rows"]), html.size(result["bytes"])
    return f"{html.number(result['files'])} files with {rows} rows ({size}) are unchanged since they were stored"
