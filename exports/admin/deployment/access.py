"""Set who may see a deployment at all; for users who may change deployments."""

from django import forms
from django.contrib.auth.models import User
from django.http import HttpResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, page, row_or_404
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, UsageError
from psynetdata.visibility import checked_channel, set_access


class AccessForm(forms.Form):
    restricted = forms.BooleanField(
        label="Only the people named below",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Otherwise everybody who may see deployments sees this one, within the rights of their groups.",
    )
    people = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        label="People",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Their groups decide what they may do with it, as everywhere.",
    )

    slack_channel = forms.CharField(
        label="Its own Slack channel",
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its id, at the end of its About page (C0123456789), or its name; invite the app to it. Messages "
        "about this deployment then go there. Empty: to the channel of all deployments.",
    )

    def clean_slack_channel(self):
        try:
            return checked_channel(self.cleaned_data["slack_channel"])
        except UsageError as problem:
            raise forms.ValidationError(problem.sentence) from None


class AccessActions:
    """For DeploymentAdmin, together with WatchActions, which defines who looks after deployments."""

    @action(description="Who sees it", url_path="access", permissions=["look_after"], icon="lock_person")
    def set_access(self, request, object_id):
        row = row_or_404(self, request, object_id)
        initial = {"restricted": row.restricted, "people": row.people.all(), "slack_channel": row.slack_channel}
        form = AccessForm(request.POST if request.method == "POST" else None, initial=initial)
        sentences = [
            f"People from whom {row} is hidden find no trace of it: not in lists, searches, filters and the audit log, "
            "nor in the API. Their tokens, and their links to its sheets, no longer reach it.",
            "People who may change deployments see all of them.",
            "E-mails about a restricted deployment go to people who may see it. In Slack, messages about it go to its "
            "own channel, or do not name it.",
        ]
        others = [str(one) for one in row.chain() if one.pk != row.pk]
        if others:
            sentences.append(f"The same holds for {', '.join(others)}, which this one continues or which continues it.")

        plan = ConfirmationPlan("Who sees it", sentences, "Save", form=form)

        def do() -> str | HttpResponse:
            if not form.is_valid():
                return page(self, request, row, plan, html.change_url(type(row), row.pk))
            details = form.cleaned_data
            if not set_access(row, user=request.user, **details):
                raise Conflict("These settings were already in place; nothing was changed.")
            return f"{row} is now seen by {_who(details)}."

        return confirmed(self, request, row, plan, do)


def seen_by(user, row: Deployment) -> list[tuple]:
    """Return facts for a page whose deployment is restricted or has a Slack channel; names only for who sets them."""
    may_change, facts = rights.can_see_places(user), []
    if row.restricted:
        names = ", ".join(row.people.order_by("username").values_list("username", flat=True)) or "nobody is named"
        facts.append(("seen by", html.joined([html.badge("restricted", "warning"), names if may_change else ""])))
    if row.slack_channel and may_change:
        facts.append(("Slack channel", row.slack_channel))
    return facts


def _who(details: dict) -> str:
    if not details["restricted"]:
        return "everybody who may see deployments"
    names = ", ".join(person.get_username() for person in details["people"])
    return f"{names}, and those who may change deployments" if names else "those who may change deployments"
