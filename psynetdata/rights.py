"""Who may see which face, and who may create which export (law 10).

`can_x` returns a bool; pages and API turn False into 403 or hide the button. Without the right to
identified data a caller can use only the anonymous face.
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

# Kinds of jobs that use files and databases outside of psynetdata.
_OF_PLACES = ("load", "snapshot", "restore", "drill", "logs", "retire")


def visible_deployments(user, token: ApiToken | None = None) -> QuerySet[Deployment]:
    """Return the deployments that the caller may know of: unrestricted ones, and those that name the user.

    Users who may change deployments see all of them, because they decide who sees which. Users who may not see
    deployments see none. A token can only limit this further.
    """
    if not (user.has_perm(VIEW_DEPLOYMENT) or user.has_perm(CHANGE_DEPLOYMENT)):
        return Deployment.objects.none()
    deployments = _open_to(user)
    return deployments.filter(pk__in=token.deployments) if token is not None and token.deployments else deployments


def _open_to(user) -> QuerySet[Deployment]:
    """Return the deployments that the access settings of each deployment open to the user."""
    if user.has_perm(CHANGE_DEPLOYMENT):
        return Deployment.objects.all()
    named = Deployment.people.through.objects.filter(deployment=OuterRef("pk"), user=user.pk)
    return Deployment.objects.filter(Q(restricted=False) | Exists(named))


def can_see_deployment(user, deployment: Deployment) -> bool:
    """Return whether an active account may know of the deployment."""
    return user.is_active and visible_deployments(user).filter(pk=deployment.pk).exists()


def hidden_deployments(user) -> list[int]:
    """Return the numbers of deployments that the user must not know of, regardless of other rights."""
    if user.has_perm(CHANGE_DEPLOYMENT):
        return []
    visible = _open_to(user).values("pk")
    return list(Deployment.objects.exclude(pk__in=visible).order_by("number").values_list("number", flat=True))


def can_see_identified(user, token: ApiToken | SheetLink | None = None) -> bool:
    """Return whether the caller may see identified data. A token can only limit its owner's rights.

    A link opens for anyone who has it, and so never shows identified data.
    """
    if isinstance(token, SheetLink):
        return False
    return user.has_perm(VIEW_IDENTIFIED) and (token is None or token.identified)


def face_for(user, token: ApiToken | SheetLink | None = None) -> str:
    """Return the face with the most data that the caller may see."""
    return IDENTIFIED if can_see_identified(user, token) else ANONYMOUS


def can_see_places(user) -> bool:
    """Return whether the user may see where data comes from: URLs, folders on the server, names of uploaded files."""
    return user.has_perm(CHANGE_DEPLOYMENT)


def can_export(user, mode: str, token: ApiToken | None = None) -> bool:
    """Return whether the caller may create and download archives of a mode, `regular` or `anonymous`."""
    if mode == "anonymous":
        return user.has_perm(EXPORT_ANONYMOUS)
    return user.has_perm(EXPORT_REGULAR) and can_see_identified(user, token)


def can_export_some(user) -> bool:
    """Return whether the caller may create archives of any mode."""
    return can_export(user, "anonymous") or can_export(user, "regular")


def can_change_own(user, owner_id: int | None) -> bool:
    """Return whether the user may change a shared item: its owner may, and users who may change deployments."""
    return owner_id == user.pk or user.has_perm(CHANGE_DEPLOYMENT)


def can_decide(user, token: ApiToken | None = None) -> bool:
    """Return whether the caller may decide what leaves in anonymized exports.

    This shows names of questions and keys, but never values.
    """
    return user.has_perm(DECIDE_POLICY) and (token is None or token.identified)


def can_see_undecided(user, token: ApiToken | None = None) -> bool:
    """Return whether the caller may see undecided selectors: users who may export or decide."""
    return can_export(user, "anonymous", token) or can_decide(user, token)


def can_hold_keys(user) -> bool:
    """Return whether the user may export a deployment's pseudonym key (once), and destroy it."""
    return user.has_perm(HOLD_KEYS)


def can_withdraw(user) -> bool:
    """Return whether the user may withdraw participants, and undo that."""
    return user.has_perm(WITHDRAW)


def can_see_reason(user, job: Job) -> bool:
    """Return whether the user may see why a job failed: the reason may name a host, database or file."""
    return job.kind not in _OF_PLACES or job.owner_id == user.pk or can_see_places(user)


def can_cancel(user, job: Job) -> bool:
    """Return whether the user may cancel a job: its owner may, and users who may change jobs."""
    return job.owner_id == user.pk or user.has_perm(CHANGE_JOB)


def can_read_sheet(token: ApiToken | None, name: str) -> bool:
    """Return whether a token may read a sheet. A token can be limited to some sheets, by their exact names."""
    return token is None or not token.sheets or name in token.sheets
