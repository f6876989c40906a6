"""To whom the sentence of an incident is told: it may name hosts, databases and roles."""

from exports.models import Incident
from psynetdata import rights

_WITHOUT_PLACES = {
    Incident.Kind.LATE: "There is no new snapshot, though one is due.",
    Incident.Kind.UNREACHABLE: "The source does not answer, or does not let us in.",
    Incident.Kind.DRILL: "The last restore drill failed.",
}


def told(incident: Incident, user) -> str:
    """The incident's sentence, as far as this person may know where the data comes from."""
    return incident.sentence if rights.can_see_places(user) else _WITHOUT_PLACES.get(incident.kind, incident.sentence)
