"""What is wrong, shown first on a page."""

from collections.abc import Iterable

from django.db.models import Max

from exports.models import Incident, Snapshot
from exports.watch.incident_sentence import incident_sentence
from psynetdata import clusters
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.visibility import only

VIEW_INCIDENT = "exports.view_incident"
SHOWN = 50


def alarms_card(user, incidents: Iterable[Incident], title: str = "", *, named: bool = False) -> Card:
    """Return a card of open incidents, each as a sentence. `named`: with its deployment, which must be loaded."""
    incidents = list(incidents)
    suspects = _suspects(incidents)
    alarms = [
        {
            "what": html.link(html.change_url(Incident, incident.pk), incident.get_kind_display()),
            "of": (html.to_object(incident.deployment) if incident.deployment else "the desk itself") if named else "",
            "sentence": incident_sentence(incident, user),
            "see": html.to_object(suspects.get(incident.deployment_id)) if incident.deployment_id in suspects else "",
            "age": html.age(incident.began_at),
            "began": html.utc(incident.began_at),
        }
        for incident in incidents
    ]
    if not title:
        title = f"{len(alarms)} alarm{'' if len(alarms) == 1 else 's'}"
    return Card(title, template="admin/exports/alarms.html", context={"alarms": alarms})


def wrong_card(title: str, sentences: Iterable[str]) -> Card:
    """Return a card on what is wrong with the page's object."""
    return Card(title, template="admin/exports/wrong.html", context={"sentences": list(sentences)})


def _suspects(incidents: list[Incident]) -> dict[int, Snapshot]:
    """Return {deployment: its newest suspect snapshot} if rows fell: people can look at it and accept it."""
    fell = [incident.deployment_id for incident in incidents if incident.kind == Incident.Kind.FELL]
    if not fell:
        return {}
    suspect = Snapshot.objects.filter(deployment__in=fell, state=Snapshot.State.SUSPECT).order_by()
    newest = suspect.values("deployment").annotate(last=Max("pk")).values("last")
    return {row.deployment_id: row for row in Snapshot.objects.only("deployment_id").filter(pk__in=newest)}


def desk_alarms(request) -> Card:
    """Return all open incidents that this person may know of, and whether the workers are running at all."""
    still, late = clusters.standing_still(), clusters.tick_is_late()
    incidents = only(request, Incident.objects.filter(ended_at=None)).select_related("deployment")[:SHOWN]
    if incidents or still or late:
        card = alarms_card(request.user, incidents, named=True)
        if still:
            card.note = (
                f"The workers ({' and '.join(still)}) have shown no sign of life for minutes: while they stand still, "
                "no snapshot is taken and no alarm begins. “manage.py serve” runs them."
            )
        elif late:
            card.note = (
                "The check each minute has not run for minutes: until it does, no snapshot is taken and no alarm "
                "begins. See in Jobs whether the workers are busy; otherwise start “manage.py serve” again."
            )
        return card
    return Card("No alarms", note="Every watched deployment has its snapshots, and there is enough space left.")
