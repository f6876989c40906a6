"""Begin and end incidents. Several workers may check at the same time: each incident begins once and ends once."""

from datetime import datetime

from exports.models import Incident

# {(deployment's number, None for the desk; kind): verdict}, see exports.watch.alarms.
Verdicts = dict[tuple[int | None, str], str | None]


def settle(verdicts: Verdicts, watched: set[int], now: datetime) -> None:
    """Begin, update and end incidents, so that the open ones are those that were found.

    A deployment that is not watched (paused, finished) keeps no open incident.
    """
    open_now = {(row.deployment_id, row.kind): row for row in Incident.objects.filter(ended_at=None)}
    over = [row.pk for key, row in open_now.items() if _is_over(key, verdicts, watched)]
    if over:
        Incident.objects.filter(pk__in=over, ended_at=None).update(ended_at=now)
    troubles = {key: sentence for key, sentence in verdicts.items() if sentence}
    new = [
        Incident(deployment_id=number, kind=kind, sentence=sentence, began_at=now)
        for (number, kind), sentence in troubles.items()
        if (number, kind) not in open_now
    ]
    if new:
        # The table's constraints let one through; another worker's row is ignored.
        Incident.objects.bulk_create(new, ignore_conflicts=True)
    _update_sentences(
        [(row, troubles[key]) for key, row in open_now.items() if troubles.get(key, row.sentence) != row.sentence]
    )


def _is_over(key: tuple[int | None, str], verdicts: Verdicts, watched: set[int]) -> bool:
    number, _ = key
    if number is not None and number not in watched:
        return True
    return key in verdicts and verdicts[key] is None


def _update_sentences(changed: list[tuple[Incident, str]]) -> None:
    for row, sentence in changed:
        row.sentence = sentence
    if changed:
        Incident.objects.bulk_update([row for row, _ in changed], ["sentence"])
