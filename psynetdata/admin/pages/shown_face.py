"""The face of the mirror that the admin shows to a user.

`rights.face_for` returns the most that a user may see; the session can only narrow it to the
anonymous face, so nothing that a browser sends gives access to more.
"""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from psynetdata import rights
from psynetdata.faces import ANONYMOUS, IDENTIFIED
from psynetdata.infra.clock import lately
from psynetdata.models import Audit, Deployment

_ONCE_IN = timedelta(hours=1)
SESSION_KEY = "narrowed_face"


def shown_face(request: HttpRequest) -> str:
    """Return the face that this user sees in the admin now."""
    if request.session.get(SESSION_KEY) == ANONYMOUS:
        return ANONYMOUS
    return rights.face_for(request.user)


def face_context(request: HttpRequest) -> dict:
    """Return the context of templates/admin/psynetdata/face.html."""
    face = shown_face(request)
    return {
        "face": face,
        "face_is_identified": face == IDENTIFIED,
        "may_switch_face": rights.can_see_identified(request.user),
    }


@require_POST
def switch_face(request: HttpRequest) -> HttpResponse:
    """Switch to the anonymous face (`face=anonymous`), or back to the most that the user may see."""
    if request.POST.get("face") == ANONYMOUS:
        request.session[SESSION_KEY] = ANONYMOUS
    else:
        request.session.pop(SESSION_KEY, None)
    return HttpResponseRedirect(return_address(request, reverse("admin:index")))


def return_address(request: HttpRequest, otherwise: str) -> str:
    """Return the URL of this site to go back to (`next`, in the form or the URL), or `otherwise`."""
    back = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return back if safe else otherwise


def record_read(
    request: HttpRequest,
    target: str,
    *,
    deployment_number: int | None = None,
    once: bool = False,
    face: str | None = None,
    **details,
) -> None:
    """Record a read of the identified face (law 10). Search terms are not recorded: they may be an id.

    `once`: record the same user and target at most once an hour, for example when a player loads a file in parts.
    `face`: the face that was read, if it is not the one that the admin shows.
    """
    if (face or shown_face(request)) != IDENTIFIED:
        return
    deployment = Deployment.objects.filter(number=deployment_number).first() if deployment_number else None
    if once:
        now = timezone.now()
        recent = Audit.objects.filter(lately("at", now - _ONCE_IN, now), user=request.user, verb="view", target=target)
        if recent.filter(deployment=deployment, details=details).exists():
            return
    Audit.record("view", user=request.user, deployment=deployment, target=target, identified=True, **details)
