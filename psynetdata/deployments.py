"""Finds the deployment that a user named, or the only one."""

from django.db.models import QuerySet

from psynetdata.models import Deployment
from psynetdata.psynet.problems import NotFound, UsageError

_LISTED = 100
_IN_A_SENTENCE = 20


class Several(UsageError):
    """`extra` lists the deployments' ids for the API."""

    def __init__(self, how: str, ids: list[str]):
        more = ", …" if len(ids) > _IN_A_SENTENCE else ""
        listed = ", ".join(ids[:_IN_A_SENTENCE])
        super().__init__(f"There are several deployments; name one with {how}: {listed}{more}.")
        self.extra = {"deployments": ids}


def chosen(among: QuerySet[Deployment], asked: str | None, *, how: str) -> Deployment:
    """Return the deployment of `among` with PsyNet's id or our number `asked`; without `asked`, the only one.

    `how` is used in sentences: how to name one. Raises NotFound, or Several, which lists the ids.
    """
    if asked:
        return _named(among, asked)
    deployments = list(among[: _LISTED + 1])
    if not deployments:
        raise NotFound("There is no deployment here yet; load one first with `manage.py load PATH`.")
    if len(deployments) > 1:
        raise Several(how, [one.deployment_id for one in deployments[:_LISTED]])
    return deployments[0]


def _named(among: QuerySet[Deployment], asked: str) -> Deployment:
    deployment = among.filter(deployment_id=asked).first() if "\0" not in asked else None
    if deployment is None and asked.isascii() and asked.isdecimal() and len(asked) < 10:
        deployment = among.filter(number=int(asked)).first()
    if deployment is None:
        raise NotFound(f"There is no deployment {asked[:100]!r} here; look at the list of deployments.")
    return deployment
