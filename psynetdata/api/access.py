"""What a request may see: the face, the deployment, the token behind it (psynetdata/rights.py decides)."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from psynetdata import rights
from psynetdata.deployments import chosen
from psynetdata.faces import ANONYMOUS
from psynetdata.models import ApiToken, Deployment, SheetLink
from psynetdata.psynet.problems import Forbidden, UsageError


class WithinScope(BasePermission):
    """A token that is bound to sheets reaches the views of sheets, which say so by `of_sheets`, and no other."""

    message = "This token is bound to single sheets; for anything else make another one."

    def has_permission(self, request, view) -> bool:
        token = token_of(request)
        return token is None or not token.sheets or getattr(view, "of_sheets", False)


def token_of(request: Request) -> ApiToken | None:
    return request.auth if isinstance(request.auth, ApiToken) else None


def check_sheet(request: Request, name: str) -> None:
    """Raise Forbidden where the caller's token is bound to other sheets."""
    token = token_of(request)
    if not rights.can_read_sheet(token, name):
        raise Forbidden(
            f"This token is bound to the sheets {', '.join(token.sheets)}; it does not reach {name[:60]!r}."
        )


def face_of(request: Request) -> str:
    """The most that the caller may see; `?face=anonymous` narrows, `?face=identified` insists."""
    narrowing = request.auth if isinstance(request.auth, ApiToken | SheetLink) else None
    most = rights.face_for(request.user, narrowing)
    asked = request.query_params.get("face", most)
    if asked in (most, ANONYMOUS):
        return asked
    if asked == "identified":
        raise Forbidden(
            "Identified data needs the permission to see it, and a token that was made for it; "
            "without face=identified you get the anonymous face."
        )
    raise UsageError("face is anonymous or identified.")


def visible_deployments(request: Request):
    """Those that the caller may see, or of these the ones that the token is bound to."""
    return rights.visible_deployments(request.user, token_of(request))


def deployment_of(request: Request, asked: str | None) -> Deployment:
    """The deployment that `asked` names among those the caller can see; the only one where nothing was asked."""
    return chosen(visible_deployments(request), asked, how="deployment=")
