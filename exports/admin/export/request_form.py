"""The forms for an export that is requested on the desk's pages."""

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from exports.models import Snapshot
from exports.package import participant_list
from exports.package.options import ExportOptions
from psynetdata.admin.pages import html
from psynetdata.admin.pages.selection import is_confirmed
from psynetdata.models import Deployment
from psynetdata.psynet import times
from psynetdata.psynet.problems import UsageError

from . import option_fields

SNAPSHOTS = 50  # how many one can choose from


class ExportForm(forms.Form):
    """The form with all options, and the snapshot."""

    field_order = option_fields.ORDER
    snapshot = forms.ChoiceField(label="Snapshot", required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, deployment: Deployment, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.deployment = deployment
        self.fields.update(option_fields.fields(user))
        self.order_fields(self.field_order)
        self.fields["snapshot"].choices = _snapshots(deployment, self.data.get("snapshot"))

    @classmethod
    def filled(cls, deployment: Deployment, user, known: dict) -> "ExportForm":
        """Return the form before anybody chose anything, except for what is `known`."""
        initial = {name: field.initial for name, field in option_fields.fields(user).items()}
        usual = {name: value for name, value in initial.items() if value is not None}
        return cls(deployment, user, {**usual, **known})

    def clean_participants(self) -> tuple[int, ...] | None:
        try:
            return participant_list.parse(self.cleaned_data["participants"])
        except UsageError as problem:
            raise forms.ValidationError(problem.sentence) from None

    def options(self) -> ExportOptions:
        """Return the options of a valid form. Raises UsageError."""
        return option_fields.options(self.cleaned_data)

    @property
    def chosen(self) -> Snapshot | None:
        """The snapshot named in a valid form; None for the newest."""
        number = self.cleaned_data["snapshot"]
        return self.deployment.snapshots.filter(pk=number).first() if number else None


class SelectionForm(forms.Form):
    """The form for exports of several deployments or snapshots: only the most important options."""

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offered = option_fields.fields(user)
        self.fields.update({name: offered[name] for name in ("anonymize", "type", "assets", "level")})

    @classmethod
    def from_request(cls, request) -> "SelectionForm":
        """Return the form, bound when the page that shows it was sent; the first POST comes from the list."""
        return cls(request.user, request.POST if is_confirmed(request) else None)

    def options(self) -> ExportOptions:
        """Return the options of a valid form. Raises UsageError."""
        return option_fields.options(self.cleaned_data)


def _snapshots(deployment: Deployment, named: str | None) -> list[tuple]:
    """Return the newest snapshots, and the one that the address names."""
    good = deployment.snapshots.good().only("pk", "taken_at", "rows")
    snapshots = list(good[:SNAPSHOTS])
    if named and named not in {str(row.pk) for row in snapshots}:
        snapshots += good.filter(pk=named)
    choices = [
        (str(row.pk), f"{row}: {times.in_words(row.taken_at)}, {html.number(row.rows)} rows") for row in snapshots
    ]
    return [("", "The newest good one"), *choices]
