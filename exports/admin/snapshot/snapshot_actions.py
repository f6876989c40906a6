"""Actions on a snapshot: accept it, pin it, download its database; each on a page that says what it does."""

from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from unfold.decorators import action
from unfold.enums import ActionVariant

from exports.admin.export.request_page import address
from exports.admin.verify import ask_to_verify, plan_to_verify
from exports.admin.watch.health import active_job, retention_words
from exports.clearance.shown_names import ShownNames
from exports.history import accept, pin
from exports.models import Snapshot
from exports.package.database_zip import default_name, download
from psynetdata import jobs, rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.admin.pages.shown_face import shown_face
from psynetdata.psynet.problems import Conflict

from .count_diff import changes_card
from .restore import can_restore, restore_page

# Larger ones take minutes to compress, longer than a browser should wait; size as CSV, in bytes.
DOWNLOAD_LIMIT = 1_000_000_000


class SnapshotActions:
    """For SnapshotAdmin. The snapshot's state decides which of them a page offers."""

    actions_detail = ("export", "accept", "pin", "unpin", "verify", "database_zip", "restore")

    def has_look_after_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(rights.CHANGE_DEPLOYMENT)

    def has_export_regular_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and rights.can_export(request.user, "regular")

    def get_actions_detail(self, request, object_id):
        row = self.get_object(request, str(object_id))
        fits = _offered(row) if row else set()
        listed = super().get_actions_detail(request, object_id)
        return [one for one in listed if one.action_name.removeprefix("exports_snapshot_") in fits]

    @action(
        description="Accept", url_path="accept", permissions=["look_after"], icon="check",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def accept(self, request, object_id):
        row = row_or_404(self, request, object_id)
        if row.state == Snapshot.State.GOOD:
            plan = ConfirmationPlan("Accept", [f"{str(row).capitalize()} is already good; there is nothing to accept."])
        else:
            plan = _plan_to_accept(row, ShownNames(shown_face(request), row.deployment))
        return confirmed(self, request, row, plan, lambda: _ask_to_accept(request, row))

    @action(description="Pin", url_path="pin", permissions=["look_after"], icon="keep")
    def pin(self, request, object_id):
        row = row_or_404(self, request, object_id)
        plan = ConfirmationPlan(
            "Pin", [f"{str(row).capitalize()} is kept for good, whatever the retention rules say."], "Pin it"
        )

        def do() -> str:
            pin.pin(row, user=request.user)
            return f"{str(row).capitalize()} is pinned."

        return confirmed(self, request, row, plan, do)

    @action(description="Unpin", url_path="unpin", permissions=["look_after"], icon="keep_off")
    def unpin(self, request, object_id):
        row = row_or_404(self, request, object_id)

        def do() -> str:
            pin.unpin(row, user=request.user)
            return f"{str(row).capitalize()} is not pinned any more."

        sentences = [
            f"From then on the retention rules decide about {row}: {retention_words(row.deployment)}.",
            "If they do not keep it, it is deleted with the next prune, within a day.",
        ]
        plan = ConfirmationPlan("Unpin", sentences, "Unpin it", stops=True)
        return confirmed(self, request, row, plan, do)

    @action(
        description="database.zip", url_path="database-zip", permissions=["export_regular"], icon="download",
    )  # fmt: skip
    def database_zip(self, request, object_id):
        row = row_or_404(self, request, object_id)
        if not rights.can_export(request.user, "regular"):
            raise PermissionDenied
        return confirmed(self, request, row, _plan_to_download(row), lambda: _download(request, row))

    @action(description="Export", url_path="export", permissions=["export"], icon="download")
    def export(self, request, object_id):
        row = row_or_404(self, request, object_id)
        return HttpResponseRedirect(f"{address(row.deployment)}?snapshot={row.pk}")

    @action(description="Verify", url_path="verify", permissions=["look_after"], icon="fact_check")
    def verify(self, request, object_id):
        row = row_or_404(self, request, object_id)
        return confirmed(self, request, row, plan_to_verify(row), lambda: ask_to_verify(request, row))

    @action(description="Restore", url_path="restore", permissions=["restore"], icon="settings_backup_restore")
    def restore(self, request, object_id):
        row = row_or_404(self, request, object_id)
        return restore_page(self, request, row, row)

    def has_restore_permission(self, request, object_id=None) -> bool:
        return can_restore(request.user)


def _offered(row: Snapshot) -> set[str]:
    by_state = {"accept"} if row.state == Snapshot.State.SUSPECT else {"export"}
    return {"database_zip", "restore", "verify", "unpin" if row.pinned else "pin"} | by_state


def _plan_to_accept(row: Snapshot, names: ShownNames) -> ConfirmationPlan:
    shown, chain = Snapshot.objects.newest(row.deployment), accept.with_followers(row)
    then = max([*chain, *([shown] if shown else [])], key=lambda one: (one.taken_at, one.pk))
    sentences = [row.reason] if row.reason else []
    sentences.append(f"Accept {row} if a person had a reason to remove these rows, or if they never belonged there.")
    if len(chain) > 1:
        sentences.append(f"{len(chain) - 1} later ones, which are suspect only because of it, are accepted too.")
    if then == shown:
        sentences.append(f"The mirror continues to show {shown}, which is newer.")
        return ConfirmationPlan("Accept", sentences, "Accept it")
    if shown:
        sentences.append(f"Nothing is deleted: {shown} stays in the history with all its rows.")
    sentences.append(
        f"The mirror, the sheets and new exports then show {then}" + (f" instead of {shown}:" if shown else ".")
    )
    cards = [changes_card(shown, then, names)] if shown else []
    return ConfirmationPlan("Accept", sentences, "Accept it", cards=cards)


def _ask_to_accept(request, row: Snapshot) -> HttpResponse:
    """Submit a job, because the mirror may take time; the deployment's page shows its progress."""
    if row.state == Snapshot.State.GOOD:
        raise Conflict(f"{str(row).capitalize()} is already good; there is nothing to accept.")
    job = active_job(row.deployment, accept.KIND)
    if job is not None and job.options.get("snapshot") != row.pk:
        raise Conflict(f"{str(job).capitalize()} is accepting another snapshot of {row.deployment}; wait for it.")
    if job is None:
        options = {"snapshot": row.pk, "by": request.user.get_username()}
        jobs.submit(accept.KIND, options=options, deployment=row.deployment, owner=request.user)
    return HttpResponseRedirect(html.change_url(Snapshot, row.pk))


def _plan_to_download(row: Snapshot) -> ConfirmationPlan:
    sentences = [
        "Identified data: the file has real worker ids, addresses and everything that people typed. The download "
        "is recorded with your name.",
        f"It is the file that “psynet load” and “psynet deploy --archive” take; {html.size(row.bytes)} uncompressed.",
    ]
    if row.bytes > DOWNLOAD_LIMIT:
        sentences.append(f"It is too large for a page; “manage.py snapshot download {row.pk}” writes it on the server.")
        return ConfirmationPlan("database.zip", sentences)
    return ConfirmationPlan("database.zip", sentences, "Download it")


def _download(request, row: Snapshot) -> HttpResponse:
    if row.bytes > DOWNLOAD_LIMIT:
        raise Conflict(f"{str(row).capitalize()} is too large for a page; use “manage.py snapshot download {row.pk}”.")
    name = default_name(row)
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="download-") as folder:
        path = Path(folder) / name
        download(row, path, user=request.user)
        # An open file outlives its folder, and is deleted when the response is finished.
        return FileResponse(path.open("rb"), as_attachment=True, filename=name)
