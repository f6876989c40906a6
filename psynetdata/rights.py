"""Who may see which face, and who may take which export (law 10).

`can_x` answers; surfaces turn a no into 403 or hide the button. Without the right to
identified data a caller reaches the anonymous face only.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from .faces import ANONYMOUS, IDENTIFIED
from .models import ApiToken, Deployment, Job, SheetLink

VIEW_IDENTIFIED = "psynetdata.view_identified"
VIEW_DEPLOYMENT = "psynetdata.view_deployment"
CHANGE_DEPLOYMENT = "psynetdata.change_deployment"
DECIDE_POLICY = "psynetdata.decide_policy"
HOLD_KEYS = "psynetdata.hold_keys"
CHANGE_JOB = "psynetdata.change_job"
WITHDRAW = "exports.withdraw"
EXPORT_ANONYMOUS = "exports.export_anonymous"
EXPORT_REGULAR = "exports.export_regular"

# Kinds of jobs that work on files and databases of others.
_OF_PLACES = ("load", "snapshot", "restore", "drill", "logs", "retire")


def visible_deployments(user, token: ApiToken | None = None) -> QuerySet[Deployment]:
    """Those that the caller may know of: all that are not restricted, and those that name the person.

    Who may change deployments sees every one, since they say who sees which; who may not see deployments, none. A token
    only narrows.
    """
    if not (user.has_perm(VIEW_DEPLOYMENT) or user.has_perm(CHANGE_DEPLOYMENT)):
        return Deployment.objects.none()
    found = _open_to(user)
    return found.filter(pk__in=token.deployments) if token is not None and token.deployments else found


def _open_to(user) -> QuerySet[Deployment]:
    """As far as access per deployment goes."""
    if user.has_perm(CHANGE_DEPLOYMENT):
        return Deployment.objects.all()
    named = Deployment.people.through.objects.filter(deployment=OuterRef("pk"), user=user.pk)
    return Deployment.objects.filter(Q(restricted=False) | Exists(named))


def can_see_deployment(user, deployment: Deployment) -> bool:
    """Whether an account that can still sign in may know of it."""
    return user.is_active and visible_deployments(user).filter(pk=deployment.pk).exists()


def hidden_deployments(user) -> list[int]:
    """Numbers of those that the person must not know of, whatever else they may view."""
    if user.has_perm(CHANGE_DEPLOYMENT):
        return []
    visible = _open_to(user).values("pk")
    return list(Deployment.objects.exclude(pk__in=visible).order_by("number").values_list("number", flat=True))


def can_see_identified(user, token: ApiToken | SheetLink | None = None) -> bool:
    """A token or a link narrows what its owner may see; it never widens it."""
    return user.has_perm(VIEW_IDENTIFIED) and (token is None or token.identified)


def face_for(user, token: ApiToken | SheetLink | None = None) -> str:
    """The most that the caller may see."""
    return IDENTIFIED if can_see_identified(user, token) else ANONYMOUS


def can_see_places(user) -> bool:
    """Where data comes from: addresses, folders of the server, names of files that were handed in."""
    return user.has_perm(CHANGE_DEPLOYMENT)


def can_export(user, mode: str, token: ApiToken | None = None) -> bool:
    """Whether the caller may make and download archives of a mode, `regular` or `anonymous`."""
    if mode == "anonymous":
        return user.has_perm(EXPORT_ANONYMOUS)
    return user.has_perm(EXPORT_REGULAR) and can_see_identified(user, token)


def can_export_some(user) -> bool:
    """Whether the caller may make archives of any mode."""
    return can_export(user, "anonymous") or can_export(user, "regular")


def can_change_own(user, owner_id: int | None) -> bool:
    """What somebody made for all to see is changed by them, and by those who look after deployments."""
    return owner_id == user.pk or user.has_perm(CHANGE_DEPLOYMENT)


def can_decide(user, token: ApiToken | None = None) -> bool:
    """What leaves in anonymized exports; who decides sees names of questions and keys, never values."""
    return user.has_perm(DECIDE_POLICY) and (token is None or token.identified)


def can_see_undecided(user, token: ApiToken | None = None) -> bool:
    """Before an export: who may make one, and who decides."""
    return can_export(user, "anonymous", token) or can_decide(user, token)


def can_hold_keys(user) -> bool:
    """Take a deployment's pseudonym key out, once, and destroy it."""
    return user.has_perm(HOLD_KEYS)


def can_withdraw(user) -> bool:
    """Say that participants withdrew, and that they did not."""
    return user.has_perm(WITHDRAW)


def can_see_reason(user, job: Job) -> bool:
    """Why a job failed may name the host, database or file that it worked on."""
    return job.kind not in _OF_PLACES or job.owner_id == user.pk or can_see_places(user)


def can_cancel(user, job: Job) -> bool:
    """Who asked for a job may stop it, and so may those who administer jobs."""
    return job.owner_id == user.pk or user.has_perm(CHANGE_JOB)


def can_read_sheet(token: ApiToken | None, name: str) -> bool:
    """A token may be bound to some sheets, by their very names; it then reaches nothing else."""
    return token is None or not token.sheets or name in token.sheets
