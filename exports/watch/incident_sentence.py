"""Who may read the full sentence of an incident: it may name hosts, databases and roles."""

from exports.models import Incident
from psynetdata import rights


def incident_sentence(incident: Incident, user) -> str:
    """Return the incident's sentence, without places if this person must not know where the data comes from."""
    return incident.sentence if rights.can_see_places(user) else incident.sentence_without_places
