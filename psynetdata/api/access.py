"""What a request may see: the face, the deployment, the token behind it (psynetdata/rights.py decides)."""

from rest_framework.request import Request

from psynetdata import rights
from psynetdata.deployments import chosen
from psynetdata.faces import ANONYMOUS
from psynetdata.models import ApiToken, Deployment
from psynetdata.psynet.problems import UsageError

from .problems import Forbidden


def token_of(request: Request) -> ApiToken | None:
    return request.auth if isinstance(request.auth, ApiToken) else None


def face_of(request: Request) -> str:
    """The most that the caller may see; `?face=anonymous` narrows, `?face=identified` insists."""
    most = rights.face_for(request.user, token_of(request))
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
    found = Deployment.objects.all()
    token = token_of(request)
    return found if token is None or token.deployment_id is None else found.filter(pk=token.deployment_id)


def deployment_of(request: Request, asked: str | None) -> Deployment:
    """The deployment that `asked` names among those the caller can see; the only one where nothing was asked."""
    return chosen(visible_deployments(request), asked, how="deployment=")
