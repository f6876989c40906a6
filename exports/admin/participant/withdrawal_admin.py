"""Participants who withdrew: withdrawn on their page or in their list, listed here, taken back here."""

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from unfold.decorators import action, display

from exports.models import Withdrawal
from exports.operations import withdraw
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card, CardsAdmin, ReadOnly
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.admin.pages.selection import on_each
from psynetdata.admin.pages.visibility import BY_DEPLOYMENT, Visible
from psynetdata.models import Deployment, Job, Participant

_PLAN = ConfirmationPlan(
    "Withdraw",
    [
        "From now on no page, sheet or export has them or what they made: their rows are removed from both faces, "
        "their stored asset files are deleted, and all finished archives of their deployment's exports are removed; "
        "these can be made again without them.",
        "Stored snapshots keep their rows until they are pruned, and so does the experiment's own database. "
        "What others made stays, also a stimulus made from their answer in a shared chain. It is recorded with "
        "your name, and can be taken back as long as a snapshot has their data.",
    ],
    "Withdraw them",
    stops=True,
)


class _ByWhoMay:
    def has_withdraw_permission(self, request, object_id=None) -> bool:
        return rights.can_withdraw(request.user)


class WithdrawActions(_ByWhoMay):
    """For ParticipantAdmin."""

    @admin.action(description="Withdraw", permissions=["withdraw"])
    def withdraw_selected(self, request, queryset):
        changed: set[int] = set()

        def do(row: Participant) -> None:
            withdraw.withdraw(_deployment(request, row), [row.id], user=request.user)
            changed.add(row.deployment_number)

        answer = on_each(self, request, queryset.order_by("key"), _PLAN, do, "withdrew; a worker carries it out")
        for deployment in Deployment.objects.filter(pk__in=changed):
            withdraw.send(deployment, owner=request.user)
        return answer

    @action(description="Withdraw", url_path="withdraw", permissions=["withdraw"], icon="person_off")
    def withdraw(self, request, object_id):
        row = row_or_404(self, request, object_id)

        def do() -> str:
            deployment = _deployment(request, row)
            withdraw.withdraw(deployment, [row.id], user=request.user)
            withdraw.send(deployment, owner=request.user)
            return f"Participant {row.id} withdrew; a worker carries it out."

        return confirmed(self, request, row, _PLAN, do)


def _deployment(request, row: Participant) -> Deployment:
    return rights.visible_deployments(request.user).get(pk=row.deployment_number)


@admin.register(Withdrawal)
class WithdrawalAdmin(_ByWhoMay, Visible, ReadOnly, CardsAdmin):
    list_display = ("name", "deployment", "state", "withdrew", "by")
    list_filter = (BY_DEPLOYMENT,)
    list_filter_submit = False
    list_select_related = ("deployment", "by")
    search_fields = ("participant", "deployment__label", "deployment__deployment_id")
    sortable_by = ("name",)
    actions_detail = ("take_back",)

    def get_queryset(self, request):
        jobs = Job.objects.filter(kind=withdraw.KIND, deployment=OuterRef("deployment")).order_by("-pk")
        return super().get_queryset(request).annotate(job_state=Subquery(jobs.values("state")[:1]))

    @display(description="participant", ordering="participant")
    def name(self, obj):
        return f"participant {obj.participant}"

    @display(description="state")
    def state(self, obj):
        return carried_out(obj.job_state)

    @display(description="withdrew")
    def withdrew(self, obj):
        return html.utc(obj.created_at)

    def cards(self, request, obj) -> Sequence[Card]:
        facts = [
            ("participant", obj.participant),
            ("deployment", html.to_object(obj.deployment)),
            ("state", carried_out(obj.job_state)),
            ("withdrew", html.utc(obj.created_at)),
            ("recorded by", obj.by or html.EMPTY),
        ]
        return [Card("A withdrawal", facts=facts)]

    @action(description="Take back", url_path="take-back", permissions=["withdraw"], icon="undo")
    def take_back(self, request, object_id):
        row = row_or_404(self, request, object_id)
        sentences = [
            f"Participant {row.participant} is treated as if they had not withdrawn: a worker brings their rows back "
            "from the newest snapshot. Asset files are here again once they are fetched; archives have to be made "
            "again.",
        ]

        def do() -> str:
            withdraw.take_back(row.deployment, [row.participant], user=request.user)
            withdraw.send(row.deployment, owner=request.user)
            return "It is taken back; a worker carries it out."

        plan = ConfirmationPlan("Take back", sentences, "Take it back")
        return confirmed(self, request, row, plan, do, back=html.list_url(Withdrawal))


def carried_out(state: str | None):
    """Return the state of the last job that carries out a deployment's withdrawals."""
    if state is None:
        return html.EMPTY
    return html.badge("carried out", "success") if state == Job.State.DONE else html.badge(state)
