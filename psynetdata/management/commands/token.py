from django.contrib.auth import get_user_model

from psynetdata import rights
from psynetdata.deployments import chosen
from psynetdata.management.cli import Command as BaseCommand
from psynetdata.models import ApiToken, Audit, Deployment
from psynetdata.psynet.problems import NotFound, UsageError


class Command(BaseCommand):
    help = "Create an API token for a user and print it, only once, as the last word."

    def add_arguments(self, parser):
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--name", default="token", help="What it is for.")
        parser.add_argument("--identified", action="store_true", help="May read identified data, if its owner may.")
        parser.add_argument(
            "--deployment",
            metavar="ID",
            action="append",
            default=[],
            help="Only for this deployment; repeat it for more.",
        )
        parser.add_argument("--sheets", metavar="NAMES", default="", help="Only these sheets, separated by commas.")
        parser.add_argument("--days", type=int, metavar="N", help="Expires after N days; default: never.")

    def run(
        self,
        *,
        username: str,
        name: str,
        identified: bool,
        deployment: list[str],
        sheets: str,
        days: int | None,
        **options,
    ):
        user = get_user_model().objects.filter(username=username, is_active=True).first()
        if user is None:
            raise NotFound(f"There is no active account {username!r}; create one on the desk, under Accounts.")
        if days is not None and not 0 < days <= 36500:
            raise UsageError("--days must be a number of days from 1 to 36500.")
        if not 0 < len(name) <= 100:
            raise UsageError("--name must have 1 to 100 characters.")
        if identified and not rights.can_see_identified(user):
            raise UsageError(f"{username} may not see identified data, so their tokens may not either.")
        bound = list(dict.fromkeys(chosen(Deployment.objects.all(), one, how="--deployment") for one in deployment))
        details = {"name": name, "identified": identified, "deployments": bound, "days": days}
        row, token = ApiToken.issue(user, **details, sheets=[one.strip() for one in sheets.split(",") if one.strip()])
        details = {"target": f"token {row.pk} of {username}", "identified": identified, "deployments": row.deployments}
        Audit.record("issue", deployment=bound[0] if len(bound) == 1 else None, **details)
        expires = f"expires {row.expires_at:%Y-%m-%d}" if row.expires_at else "never expires"
        return f"Token of {username}, {expires}; it is shown only once: {token}"
