from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpResponseRedirect
from unfold.decorators import action, display

from exports.models import Incident
from exports.notify.channel_test import own_channels, try_channels, try_own_channels
from exports.notify.channels import channels, label_of
from exports.watch.incident_sentence import incident_sentence
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.cards import Card, CardsAdmin, ReadOnly
from psynetdata.admin.pages.confirmation import ConfirmationPlan, page
from psynetdata.admin.pages.visibility import BY_DEPLOYMENT, Visible
from psynetdata.models import Audit, Deployment

SHOWN = 10


def incidents_card(deployment: Deployment, user) -> Card:
    """Return a card of a deployment's latest incidents, open ones first, as far as this person may know of them."""
    latest = deployment.incidents.order_by(F("ended_at").desc(nulls_first=True), "-pk")[:SHOWN]
    rows = [
        (
            html.link(html.change_url(Incident, incident.pk), incident.get_kind_display()),
            _state(incident),
            incident_sentence(incident, user),
            html.utc(incident.began_at),
            html.utc(incident.ended_at),
        )
        for incident in latest
    ]
    note = "" if rows else "There were none."
    return Card("Incidents", headers=("what", "state", "in words", "began", "over"), rows=rows, note=note)


def _state(incident: Incident):
    return html.badge(incident.state, "success" if incident.ended_at else "danger")


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("open", "open"), ("over", "over")]

    def queryset(self, request, queryset):
        return queryset.filter(ended_at__isnull=self.value() == "open") if self.value() else queryset


@admin.register(Incident)
class IncidentAdmin(Visible, ReadOnly, CardsAdmin):
    list_display = ("name", "what", "deployment", "state_badge", "sentence", "began", "over")
    list_filter = ("kind", BY_DEPLOYMENT, StateFilter)
    list_filter_submit = False
    list_select_related = ("deployment",)
    search_fields = ("id", "deployment__label", "deployment__deployment_id")
    sortable_by = ("began",)
    actions_list = ("send_a_test",)

    def has_send_a_test_permission(self, request, object_id=None) -> bool:
        return request.user.has_perm(rights.CHANGE_DEPLOYMENT)

    @action(description="Send a test message", url_path="test-message", permissions=["send_a_test"], icon="send")
    def send_a_test(self, request):
        """GET: where it would go. POST: send it immediately, and report the result."""
        back = html.list_url(Incident)
        if request.method == "POST":
            Audit.record("send a test message", user=request.user)
            for label, why in [*try_channels(), *try_own_channels()]:
                if why:
                    messages.error(request, f"{label}: {why}")
                else:
                    messages.success(request, f"{label}: sent.")
            return HttpResponseRedirect(back)
        names = " and ".join(channel.label for channel in channels())
        sentence = f"A test message is sent through {names}, to the people who get alarms."
        if own := own_channels():
            sentence += f" The Slack channels of single deployments get it too: {', '.join(map(str, own.values()))}."
        if not names:
            sentence = (
                "No channel is set up, so no alarm is sent. Set up one with SLACK_BOT_TOKEN and SLACK_CHANNEL, or "
            )
            sentence += "with EMAIL_URL, ALARM_EMAILS and EMAIL_FROM."
        return page(
            self, request, None, ConfirmationPlan("A test message", [sentence], "Send it" if names else ""), back
        )

    def get_list_display(self, request):
        shown = super().get_list_display(request)
        return shown if rights.can_see_places(request.user) else [name for name in shown if name != "sentence"]

    @display(description="incident", ordering="id")
    def name(self, obj):
        return str(obj)

    @display(description="what", ordering="kind")
    def what(self, obj):
        return obj.get_kind_display()

    @display(description="state")
    def state_badge(self, obj):
        return _state(obj)

    @display(description="began", ordering="began_at")
    def began(self, obj):
        return html.utc(obj.began_at)

    @display(description="over", ordering="ended_at")
    def over(self, obj):
        return html.utc(obj.ended_at)

    def cards(self, request, obj):
        lasted = html.duration(obj.ended_at - obj.began_at) if obj.ended_at else html.age(obj.began_at)
        facts = [
            ("what", obj.get_kind_display()),
            ("state", _state(obj)),
            ("in words", incident_sentence(obj, request.user)),
            ("deployment", html.to_object(obj.deployment) if obj.deployment else "the desk itself"),
            ("began", html.utc(obj.began_at)),
            ("over", html.utc(obj.ended_at)),
            ("lasted", lasted),
        ]
        rows = [
            (label_of(notice.channel), "its end" if notice.end else "its beginning", _delivered(notice))
            for notice in obj.notices.all()
        ]
        note = "" if rows else "It was sent through no channel; none was set up."
        notices = Card("Notices", headers=("channel", "about", "sent"), rows=rows, note=note)
        return [Card("Summary", facts=facts), notices]


def _delivered(notice):
    if notice.told_at:
        return html.utc(notice.told_at)
    return f"given up: {notice.error}" if notice.given_up_at else f"not yet. {notice.error}".strip()
