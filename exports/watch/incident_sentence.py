"""To whom the sentence of an incident is told: it may name hosts, databases and roles."""

from exports.models import Incident
from psynetdata import rights


def told(incident: Incident, user) -> str:
    """The incident's sentence, as far as this person may know where the data comes from."""
    return incident.sentence if rights.can_see_places(user) else incident.sentence_without_places
