"""Moments of one experiment in which people write each other's ids into their answers."""

import json
from datetime import timedelta

from exports.models import Snapshot
from tests.store.snapshot_factory import TAKEN_AT, written_down

ANN, BOB, EVE = "visitor-from-afar-77", "guest-of-the-house-31", "friend-of-a-friend-59"
RESPONSES = ["id", "participant_id", "question", "answer"]


def moment(
    hour: int, *people: tuple[int, str], answers: tuple[str, ...] = (), name: str = "made", **tables
) -> Snapshot:
    """A snapshot with these people (number, worker id); the first one gave the answers."""
    rows = [[str(number), worker, "psynet.participant.Participant"] for number, worker in people]
    first = str(people[0][0])
    said = [[str(number), first, "comment", json.dumps(answer)] for number, answer in enumerate(answers, 1)]
    made = written_down(
        {"participant": [["id", "worker_id", "type"], *rows], "response": [RESPONSES, *said], **tables}, name
    )
    made.taken_at = TAKEN_AT + timedelta(hours=hour)
    made.save()
    return made
