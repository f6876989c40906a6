"""The settings of a deployment that can be changed by hand: the form, and how it is saved."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from exports.operations import deployments
from exports.operations.asset_location import AssetPlace, set_place
from exports.sources import asset_urls
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Problem

EVERY = "every"
_A_CENTURY = {"keep_all_hours": 876_000, "keep_hourly_days": 36_500, "keep_daily_days": 36_500}
_PASSWORD = "assets_password"
# {field: what AssetPlace calls it}
ASSETS = {
    "assets_url": "url", _PASSWORD: "password", "assets_known_hosts": "known_hosts", "assets_every": "every",
    "assets_hosts": "hosts", "experiment_url": "experiment",
    "experiment_login": "experiment_login",
}  # fmt: skip
NAMES = ("label", EVERY, *_A_CENTURY)


def checked_assets(url: str) -> str:
    """Raises ValidationError for an address that is no place of assets."""
    try:
        asset_urls.check_assets_url(url)
    except Problem as problem:
        raise forms.ValidationError(problem.sentence) from None
    return url


def checked_every(seconds: int | None) -> int | None:
    try:
        return deployments.checked_every(seconds or 0)
    except Problem as problem:
        raise forms.ValidationError(problem.sentence) from None


class Password(forms.PasswordInput):
    """In unfold's clothes; never filled in by us."""

    def __init__(self):
        look = UnfoldAdminTextInputWidget().attrs
        super().__init__(attrs={**look, "autocomplete": "new-password"}, render_value=False)


class SettingsForm(forms.ModelForm):
    """Of the admin's page; which of the fields it has is the page's to say."""

    assets_password = forms.CharField(
        label="Password", required=False, strip=False, max_length=10_000, widget=Password,
        help_text="What opens that place, where this server's environment does not hold it: the password for "
        "sftp:// (a private key belongs in the environment: `deployment assets --secret-env`), KEY:SECRET for s3://, "
        "user:password or a token for https://. It is sealed and not shown again.",
    )  # fmt: skip

    experiment_login = forms.CharField(
        label="The experiment's user and password", required=False, strip=False, max_length=1000, widget=Password,
        help_text="Of its dashboard, as user:password; its source code is asked for with them. Sealed and not shown "
        "again.",
    )  # fmt: skip

    class Meta:
        labels = {
            "assets_url": "Where its asset files live",
            "assets_known_hosts": "Known hosts",
            "assets_hosts": "Hosts of external assets",
            "assets_every": "Minutes between fetches",
            "experiment_url": "The experiment's address",
            EVERY: "Seconds between snapshots",
            "keep_all_hours": "Keep every one, hours",
            "keep_hourly_days": "Keep one an hour, days",
            "keep_daily_days": "Keep one a day, days",
        }
        help_texts = {
            "label": "What people call it.",
            "assets_url": "file:///folder of this server, s3://bucket/prefix?endpoint_url=…, sftp://user@host/folder "
            "or https://host/folder; without a password.",
            "assets_known_hosts": "Keys of the SSH servers of its source and assets, as lines of known_hosts; "
            "for a server of assets that is not named: this server's own files.",
            "assets_hosts": "Like media.lab.org or 10.0.0.5:8080, with commas. Rows may name these hosts only, "
            "internal ones too; empty: any public one.",
            "assets_every": "So often asset files are fetched while it runs; empty: only when an export wants them.",
            "experiment_url": "Like https://my-experiment.lab.org; on-demand assets and its source code are asked "
            "for there.",
            EVERY: "60 or more; empty or 0: only when somebody asks.",
            "keep_all_hours": "For so many hours every snapshot is kept.",
            "keep_hourly_days": "For so many days the newest of each hour is kept.",
            "keep_daily_days": "For so many days the newest of each day is kept. Pinned and exported ones stay longer.",
        }

    def clean_assets_url(self):
        url = self.cleaned_data["assets_url"]
        return checked_assets(url) if "assets_url" in self.changed_data else url

    @property
    def place(self) -> AssetPlace:
        """What it says of the assets, as far as that was changed. Raises UsageError."""
        said = {name: self.cleaned_data[field] for field, name in ASSETS.items() if field in self.changed_data}
        return AssetPlace(**{name: value or (0 if name == "every" else "") for name, value in said.items()})

    def clean_every(self):
        return checked_every(self.cleaned_data[EVERY])

    def clean(self):
        cleaned = super().clean()
        if not self.errors.keys() & ASSETS.keys():
            try:
                _ = self.place
            except Problem as problem:
                self.add_error(None, problem.sentence)
        for name, most in _A_CENTURY.items():
            if cleaned.get(name, 0) > most:
                self.add_error(name, f"At most {most:,}, which is a century.")
        return cleaned


def save(deployment: Deployment, form: SettingsForm, *, user) -> None:
    """Write what was changed and no other: schedule and state may have moved since the form was shown. On record."""
    changed = form.changed_data
    set_place(Deployment.objects.get(pk=deployment.pk), form.place, user=user)
    others = [name for name in changed if name in NAMES and name != EVERY]
    if others:
        deployment.save(update_fields=others)
        Audit.record("change", user=user, deployment=deployment, target=deployment.deployment_id, fields=others)
    if EVERY in changed:
        deployments.set_every(deployment, deployment.every or 0, user=user)
