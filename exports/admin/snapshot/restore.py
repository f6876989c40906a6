"""Restoring a snapshot: the page shows how, the command line does it, because it needs a database's password."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from exports.models import Snapshot
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card
from psynetdata.admin.pages.confirmation import ConfirmationPlan, page

_TARGET = "postgres://user@host:5432/database"


def can_restore(user) -> bool:
    """Return whether the user may restore: it copies real ids and answers into another database."""
    return rights.can_export(user, "regular") and user.has_perm(rights.CHANGE_DEPLOYMENT)


def restore_page(model_admin, request: HttpRequest, row, snapshot: Snapshot | None) -> HttpResponse:
    """Return the page. `row`: the deployment or snapshot it belongs to; `snapshot`: None if there is none."""
    if not can_restore(request.user):
        raise PermissionDenied
    back = html.change_url(type(row), row.pk)
    if snapshot is None:
        return page(
            model_admin, request, row, ConfirmationPlan("Restore", ["There is no good snapshot to restore yet."]), back
        )
    sentences = [
        f"{str(snapshot).capitalize()}, taken {html.age(snapshot.taken_at)} ago, is restored into a PostgreSQL "
        "database whose tables exist (PsyNet makes them at launch): completely or not at all, each row read back and "
        "compared.",
        "A database that holds rows is refused without --replace, which deletes them in the same transaction; one with "
        "other connections is refused too. This deployment's own database is not touched unless you name it.",
    ]
    if snapshot.state == Snapshot.State.SUSPECT:
        sentences.insert(0, "This snapshot is suspect: it lacks rows that an earlier one has.")
    plan = ConfirmationPlan("Restore", sentences, cards=[_command(snapshot)])
    return page(model_admin, request, row, plan, back)


def _command(snapshot: Snapshot) -> Card:
    lines = f"manage.py restore {snapshot.pk} --database {_TARGET} --password-env PASSWORD"
    note = "Run it on the server, where the environment variable PASSWORD holds the database's password."
    return Card("The command", note=note, template="admin/exports/command.html", context={"lines": lines})
