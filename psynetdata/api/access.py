"""What a request may see: the face, the deployment, the sheets of its token (psynetdata/rights.py decides)."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from psynetdata import rights
from psynetdata.deployments import chosen
from psynetdata.faces import ANONYMOUS
from psynetdata.models import ApiToken, Deployment, SheetLink
from psynetdata.psynet.problems import Forbidden, UsageError


class WithinScope(BasePermission):
    """Restricts tokens that are limited to sheets to the views of sheets, which have the attribute `of_sheets`."""

    message = "This token is limited to single sheets; for anything else create another one."

    def has_permission(self, request, view) -> bool:
        token = token_of(request)
        return token is None or not token.sheets or getattr(view, "of_sheets", False)


def token_of(request: Request) -> ApiToken | None:
    return request.auth if isinstance(request.auth, ApiToken) else None


def check_sheet(request: Request, name: str) -> None:
    """Raise Forbidden if the caller's token is limited to other sheets."""
    token = token_of(request)
    if not rights.can_read_sheet(token, name):
        raise Forbidden(f"This token is limited to the sheets {', '.join(token.sheets)}; it cannot read {name[:60]!r}.")


def face_of(request: Request) -> str:
    """Return the face with the most data that the caller may see, or the one in `?face=`.

    Raises Forbidden for `?face=identified` without the right to see it, UsageError for an unknown face.
    """
    narrowing = request.auth if isinstance(request.auth, ApiToken | SheetLink) else None
    most = rights.face_for(request.user, narrowing)
    asked = request.query_params.get("face", most)
    if asked in (most, ANONYMOUS):
        return asked
    if asked == "identified":
        raise Forbidden(
            "Identified data requires the permission to see it, and a token that allows it; "
            "without face=identified you get the anonymous face."
        )
    raise UsageError("face must be anonymous or identified.")


def visible_deployments(request: Request):
    """Return the deployments that the caller may see, limited to those of the token."""
    return rights.visible_deployments(request.user, token_of(request))


def deployment_of(request: Request, asked: str | None) -> Deployment:
    """Return the deployment that `asked` names, among those that the caller can see; if it is None, the only one."""
    return chosen(visible_deployments(request), asked, how="deployment=")
