"""The base of commands after which the mirror shows what they changed."""

from collections.abc import Iterable

from exports.mirroring.mirror_claims import KIND
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Cancelled, Problem


class MirroringCommand(BaseCommand):
    """A command that mirrors deployments in this process."""

    def mirror(self, deployments: Iterable[Deployment], *, done: str) -> None:
        """Mirror their newest snapshots; waits while another job fills one of these mirrors.

        `done`: a sentence for the error if that fails, about what the command has done before.
        """
        for deployment in deployments:
            try:
                self.job(KIND, options={"waits": True}, deployment=deployment)
            except Cancelled:
                raise
            except Problem as problem:
                raise Problem(f"{done} {problem.sentence}") from problem
