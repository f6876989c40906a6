"""Who may see a deployment at all, set by those who may change deployments."""

from django import forms
from django.contrib.auth.models import User
from django.http import HttpResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import Plan, confirmed, found, page
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, UsageError
from psynetdata.visibility import checked_channel, set_access


class AccessForm(forms.Form):
    restricted = forms.BooleanField(
        label="Only the people named below",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Otherwise everybody who may see deployments sees this one, each as far as their groups go.",
    )
    people = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True).order_by("username"),
        label="People",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What they may do with it is said by their groups, as everywhere.",
    )

    slack_channel = forms.CharField(
        label="A Slack channel of its own",
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text="Its id, at the end of its About page (C0123456789), or its name; invite the app there. Messages "
        "about this deployment then go there. Empty: to the channel of all deployments.",
    )

    def clean_slack_channel(self):
        try:
            return checked_channel(self.cleaned_data["slack_channel"])
        except UsageError as problem:
            raise forms.ValidationError(problem.sentence) from None


class AccessActions:
    """For DeploymentAdmin, beside WatchActions, which says who looks after deployments."""

    @action(description="Who sees it", url_path="access", permissions=["look_after"], icon="lock_person")
    def set_access(self, request, object_id):
        row = found(self, request, object_id)
        initial = {"restricted": row.restricted, "people": row.people.all(), "slack_channel": row.slack_channel}
        form = AccessForm(request.POST if request.method == "POST" else None, initial=initial)
        sentences = [
            f"Whom {row} is hidden from finds no trace of it: not in lists, searches, filters and the audit log, nor "
            "at the API. Their tokens, and their links to its sheets, reach it no more.",
            "Who may change deployments sees every one of them.",
            "E-mails about a restricted deployment go to people who may see it. In Slack it is told of in a channel of "
            "its own, or without its name.",
        ]
        others = [str(one) for one in row.chain() if one.pk != row.pk]
        if others:
            sentences.append(f"The same holds for {', '.join(others)}, which this one continues or which continues it.")

        plan = Plan("Who sees it", sentences, "Save", form=form)

        def do() -> str | HttpResponse:
            if not form.is_valid():
                return page(self, request, row, plan, html.change_url(type(row), row.pk))
            told = form.cleaned_data
            if not set_access(row, user=request.user, **told):
                raise Conflict("That was so already, and nothing was done.")
            return f"{row} is seen by {_who(told)}."

        return confirmed(self, request, row, plan, do)


def seen_by(user, row: Deployment) -> list[tuple]:
    """For the page of one that not everybody sees, or that has a Slack channel; names are for those who give them."""
    may_change, facts = rights.can_see_places(user), []
    if row.restricted:
        names = ", ".join(row.people.order_by("username").values_list("username", flat=True)) or "nobody is named"
        facts.append(("seen by", html.joined([html.badge("restricted", "warning"), names if may_change else ""])))
    if row.slack_channel and may_change:
        facts.append(("Slack channel", row.slack_channel))
    return facts


def _who(told: dict) -> str:
    if not told["restricted"]:
        return "everybody who may see deployments"
    names = ", ".join(person.get_username() for person in told["people"])
    return f"{names}, and those who may change deployments" if names else "those who may change deployments"
