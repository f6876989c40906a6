"""The settings of a deployment that people can change: the form, and how it is saved."""

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from exports.operations import deployments
from exports.operations.asset_location import AssetLocationSettings, set_asset_location
from exports.sources import asset_urls
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Problem

EVERY = "every"
_A_CENTURY = {"keep_all_hours": 876_000, "keep_hourly_days": 36_500, "keep_daily_days": 36_500}
_PASSWORD = "assets_password"
# {field: its name in AssetLocationSettings}
ASSETS = {
    "assets_url": "url", _PASSWORD: "password", "assets_known_hosts": "known_hosts", "assets_every": "every",
    "assets_hosts": "hosts", "experiment_url": "experiment",
    "experiment_login": "experiment_login",
}  # fmt: skip
NAMES = ("label", EVERY, *_A_CENTURY)


def checked_assets(url: str) -> str:
    """Return the address. Raises ValidationError if it cannot be a location of assets."""
    try:
        asset_urls.check_assets_url(url)
        asset_urls.check_named_assets(url)
    except Problem as problem:
        raise forms.ValidationError(problem.sentence) from None
    return url


def checked_every(seconds: int | None) -> int | None:
    try:
        return deployments.checked_every(seconds or 0)
    except Problem as problem:
        raise forms.ValidationError(problem.sentence) from None


class Password(forms.PasswordInput):
    """A password field in unfold's style; never filled in by us."""

    def __init__(self):
        look = UnfoldAdminTextInputWidget().attrs
        super().__init__(attrs={**look, "autocomplete": "new-password"}, render_value=False)


class SettingsForm(forms.ModelForm):
    """The form of the admin's page, which decides which of the fields are shown."""

    assets_password = forms.CharField(
        label="Password", required=False, strip=False, max_length=10_000, widget=Password,
        help_text="The secret for that location, unless this server's environment holds it: the password for "
        "sftp:// (a private key belongs in the environment: `deployment assets --secret-env`), KEY:SECRET for s3://, "
        "user:password or a token for https://. It is stored encrypted and not shown again.",
    )  # fmt: skip

    experiment_login = forms.CharField(
        label="The experiment's user and password", required=False, strip=False, max_length=1000, widget=Password,
        help_text="Of its dashboard, as user:password; needed to fetch its source code. It is stored encrypted and not "
        "shown again.",
    )  # fmt: skip

    class Meta:
        labels = {
            "assets_url": "Where its asset files are",
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
            "label": "Its name on these pages.",
            "assets_url": "file:///folder of this server, s3://bucket/prefix?endpoint_url=…, sftp://user@host/folder "
            "or https://host/folder; without a password.",
            "assets_known_hosts": "Keys of the SSH servers of its source and assets, as lines of known_hosts; "
            "for a server of assets that is not listed: this server's own files.",
            "assets_hosts": "Like media.lab.org or 10.0.0.5:8080, with commas. Rows may name only these hosts, "
            "internal ones too; empty: any public one.",
            "assets_every": "How often asset files are fetched while it runs; empty: only for exports.",
            "experiment_url": "Like https://my-experiment.lab.org; on-demand assets and its source code are fetched "
            "from there.",
            EVERY: "60 or more; empty or 0: only on request.",
            "keep_all_hours": "For this many hours every snapshot is kept.",
            "keep_hourly_days": "For this many days the newest of each hour is kept.",
            "keep_daily_days": "For this many days the newest of each day is kept; pinned and exported ones longer.",
        }

    def clean_assets_url(self):
        url = self.cleaned_data["assets_url"]
        return checked_assets(url) if "assets_url" in self.changed_data else url

    @property
    def asset_settings(self) -> AssetLocationSettings:
        """The changed settings of the assets. Raises UsageError."""
        changed = {name: self.cleaned_data[field] for field, name in ASSETS.items() if field in self.changed_data}
        return AssetLocationSettings(
            **{name: value or (0 if name == "every" else "") for name, value in changed.items()}
        )

    def clean_every(self):
        return checked_every(self.cleaned_data[EVERY])

    def clean(self):
        cleaned = super().clean()
        if not self.errors.keys() & ASSETS.keys():
            try:
                changed = self.asset_settings
                asset_urls.check_named_url(changed.experiment or "")
                asset_urls.check_named_hosts(changed.hosts or "")
            except Problem as problem:
                self.add_error(None, problem.sentence)
        for name, most in _A_CENTURY.items():
            if cleaned.get(name, 0) > most:
                self.add_error(name, f"At most {most:,}, which is a century.")
        return cleaned


def save(deployment: Deployment, form: SettingsForm, *, user) -> None:
    """Save and record only what was changed: schedule and state may have changed since the form was shown."""
    changed = form.changed_data
    set_asset_location(Deployment.objects.get(pk=deployment.pk), form.asset_settings, user=user)
    others = [name for name in changed if name in NAMES and name != EVERY]
    if others:
        deployment.save(update_fields=others)
        Audit.record("change", user=user, deployment=deployment, target=deployment.deployment_id, fields=others)
    if EVERY in changed:
        deployments.set_every(deployment, deployment.every or 0, user=user)
