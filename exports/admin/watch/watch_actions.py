"""Actions on a watched deployment; each on a page that says what will happen."""

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from unfold.decorators import action
from unfold.widgets import UnfoldBooleanWidget

from exports.capture import snapshot_schedule
from exports.operations import deployments
from psynetdata import jobs, rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.admin.pages.table_names import name_of
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Conflict

from .health import active_job

State = Deployment.State
_STAYS = "Its snapshots, its data and its exports stay as they are."


class SnapshotForm(forms.Form):
    full = forms.BooleanField(
        label="Read every row again",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Otherwise only changes are read. Once a day every row is read in any case.",
    )


class WatchActions:
    """For DeploymentAdmin. The deployment's state decides which of them a page offers (`offered`)."""

    watch_actions = ("snapshot_now", "test_connection", "pause", "resume", "archive", "retire")

    def has_look_after_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(rights.CHANGE_DEPLOYMENT)

    def get_actions_detail(self, request, object_id):
        listed = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id))
        fits = offered(row) if row else set()
        return [one for one in listed if self._own_name(one) not in self.watch_actions or self._own_name(one) in fits]

    def _own_name(self, one) -> str:
        return one.action_name.removeprefix(f"{self.opts.app_label}_{self.opts.model_name}_")

    @action(description="Snapshot now", url_path="snapshot-now", permissions=["look_after"], icon="photo_camera")
    def snapshot_now(self, request, object_id):
        row = row_or_404(self, request, object_id)
        form = SnapshotForm(request.POST if request.method == "POST" else None)
        full = form.is_valid() and form.cleaned_data["full"]
        sentences = [
            f"A worker reads the database of {row} as it is at one moment and stores what is new. The experiment "
            "continues meanwhile: nobody there has to wait. The data shown here is then updated.",
        ]
        if row.state == State.PAUSED:
            sentences.append("It is paused, and stays paused.")
        plan = ConfirmationPlan("Snapshot now", sentences, "Take a snapshot", form=form)
        return confirmed(self, request, row, plan, lambda: ask_for_snapshot(request, row, full=full))

    @action(description="Test connection", url_path="test-connection", permissions=["look_after"], icon="cable")
    def test_connection(self, request, object_id):
        row = row_or_404(self, request, object_id)
        sentences = [
            f"This connects to the source of {row} as a snapshot would, and reports what is there. Nothing is stored."
        ]
        plan = ConfirmationPlan("Test connection", sentences, "Connect")
        return confirmed(self, request, row, plan, lambda: _connected(row))

    @action(description="Pause", url_path="pause", permissions=["look_after"], icon="pause")
    def pause(self, request, object_id):
        row = row_or_404(self, request, object_id)
        sentences = [
            f"No more scheduled snapshots of {row} are taken, and its alarms end. {_STAYS}",
            "“Snapshot now” still works, and “Resume” watches it again.",
        ]
        return self._move(request, row, "Pause", sentences, deployments.pause, "is paused")

    @action(description="Resume", url_path="resume", permissions=["look_after"], icon="play_arrow")
    def resume(self, request, object_id):
        row = row_or_404(self, request, object_id)
        how = f"every {row.every} seconds" if row.every else "only on request, as its settings say"
        sentences = [f"It is watched again: a snapshot is taken within a minute, and then {how}."]
        if not row.every:
            sentences = [f"It is open for snapshots again: {how}."]
        return self._move(request, row, "Resume", sentences, deployments.resume, "is watched again")

    @action(description="Archive", url_path="archive", permissions=["look_after"], icon="archive")
    def archive(self, request, object_id):
        row = row_or_404(self, request, object_id)
        sentences = [
            f"The experiment is over: {row} is not watched any more and its alarms end. {_STAYS}",
            "What its database received since the newest snapshot is not here; take a last one first. The retention "
            "rules still apply and leave the newest good snapshot. “Resume” undoes it.",
        ]
        return self._move(request, row, "Archive", sentences, deployments.archive, "is archived", stops=True)

    def _move(self, request, row, heading, sentences, verb, says, *, stops=False) -> HttpResponse:
        def do() -> str:
            verb(row, user=request.user)
            return f"{row} {says}."

        return confirmed(self, request, row, ConfirmationPlan(heading, sentences, heading, stops=stops), do)


def offered(row: Deployment) -> set[str]:
    """Return the actions that make sense in the deployment's state."""
    if row.source == Deployment.Source.UPLOAD:
        return set()
    if row.state in Deployment.OPEN:
        move = "pause" if row.state == State.RUNNING else "resume"
        return {"snapshot_now", "test_connection", "archive", "retire", move}
    return {"resume", "test_connection", "retire"} | ({"archive"} if row.state == State.FINISHED else set())


def _connected(row: Deployment) -> str:
    """Return what was found, in a sentence, and whether it is still the launch that we know."""
    probe = deployments.connect(row)
    rows = ", ".join(f"{html.number(count)} {name_of(table)}" for table, count in probe.rows.items())
    other = probe.info.deployment_id not in ("", row.deployment_id)
    launch_note = (
        f" It is another launch now, {probe.info.deployment_id}; the next snapshot creates its deployment."
        if other
        else ""
    )
    return f"The source of {row} answers: PostgreSQL {probe.version}, {rows}.{launch_note}"


def ask_for_snapshot(request, row: Deployment, *, full: bool) -> HttpResponse:
    """Redirect to the deployment's page, which shows the progress of the new job or of the one already running."""
    send_snapshot(request, row, full=full)
    return HttpResponseRedirect(html.change_url(Deployment, row.pk))


def send_snapshot(request, row: Deployment, *, full: bool) -> None:
    """Submit a job that takes one, unless one is active. Raises Conflict if none can be taken."""
    if "snapshot_now" not in offered(row):
        how = "was loaded from a file" if row.source == Deployment.Source.UPLOAD else f"is {row.state}"
        raise Conflict(f"{row} {how}; no snapshot of it can be taken.")
    if active_job(row, snapshot_schedule.KIND) is None:
        job = jobs.submit(snapshot_schedule.KIND, options={"full": full}, deployment=row, owner=request.user)
        Audit.record("snapshot", user=request.user, deployment=row, target=f"job {job.pk}", full=full)
