"""Who may see a deployment at all, set by those who may change deployments."""

from django import forms
from django.contrib.auth.models import User
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanWidget

from psynetdata.access import set_access
from psynetdata.psynet.problems import Conflict

from .confirm import Plan, confirmed, found


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


class AccessActions:
    """For DeploymentAdmin, beside WatchActions, which says who looks after deployments."""

    @action(description="Who sees it", url_path="access", permissions=["look_after"], icon="lock_person")
    def set_access(self, request, object_id):
        row = found(self, request, object_id)
        initial = {"restricted": row.restricted, "people": row.people.all()}
        form = AccessForm(request.POST if request.method == "POST" else None, initial=initial)
        sentences = [
            f"Whom {row} is hidden from finds no trace of it: not in lists, searches, filters and the audit log, nor "
            "at the API. Their tokens, and their links to its sheets, reach it no more.",
            "Who may change deployments sees every one of them.",
        ]
        others = [str(one) for one in row.chain() if one.pk != row.pk]
        if others:
            sentences.append(f"The same holds for {', '.join(others)}, which this one continues or which continues it.")

        def do() -> str:
            if not form.is_valid():
                raise Conflict("Somebody who was named is there no more; open the page again.")
            told = form.cleaned_data
            if not set_access(row, user=request.user, **told):
                raise Conflict("That was so already, and nothing was done.")
            return f"{row} is seen by {_who(told)}."

        return confirmed(self, request, row, Plan("Who sees it", sentences, "Save", form=form), do)


def _who(told: dict) -> str:
    if not told["restricted"]:
        return "everybody who may see deployments"
    names = ", ".join(person.get_username() for person in told["people"])
    return f"{names}, and those who may change deployments" if names else "those who may change deployments"
