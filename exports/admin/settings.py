"""The settings of a deployment that can be changed by hand: the form, and how it is saved."""

from urllib.parse import urlsplit

from django import forms

from exports.snapshots import deployments
from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Problem

EVERY = "every"
_A_CENTURY = {"keep_all_hours": 876_000, "keep_hourly_days": 36_500, "keep_daily_days": 36_500}
NAMES = ("label", "assets_url", EVERY, *_A_CENTURY)


def checked_assets(url: str) -> str:
    """Raises ValidationError for a place that cannot be read."""
    parts = urlsplit(url) if url.isprintable() and "[" not in url else urlsplit("")
    if url and (parts.scheme != "file" or parts.netloc or not parts.path.startswith("/")):
        raise forms.ValidationError("Give a folder of this server as file:///folder; other places cannot be read yet.")
    return url


def checked_every(seconds: int | None) -> int | None:
    try:
        return deployments.checked_every(seconds or 0)
    except Problem as problem:
        raise forms.ValidationError(problem.sentence) from None


class SettingsForm(forms.ModelForm):
    """Of the admin's page; which of the fields it has is the page's to say."""

    class Meta:
        labels = {
            EVERY: "Seconds between snapshots",
            "keep_all_hours": "Keep every one, hours",
            "keep_hourly_days": "Keep one an hour, days",
            "keep_daily_days": "Keep one a day, days",
        }
        help_texts = {
            "label": "What people call it.",
            "assets_url": "The folder of its asset files on this server, as file:///folder.",
            EVERY: "60 or more; empty or 0: only when somebody asks.",
            "keep_all_hours": "For so many hours every snapshot is kept.",
            "keep_hourly_days": "For so many days the newest of each hour is kept.",
            "keep_daily_days": "For so many days the newest of each day is kept. Pinned and exported ones stay longer.",
        }

    def clean_assets_url(self):
        url = self.cleaned_data["assets_url"]
        return checked_assets(url) if "assets_url" in self.changed_data else url

    def clean_every(self):
        return checked_every(self.cleaned_data[EVERY])

    def clean(self):
        cleaned = super().clean()
        for name, most in _A_CENTURY.items():
            if cleaned.get(name, 0) > most:
                self.add_error(name, f"At most {most:,}, which is a century.")
        return cleaned


def save(deployment: Deployment, changed: list[str], *, user) -> None:
    """Write these fields and no other: schedule and state may have moved since the form was shown. On record."""
    others = [name for name in changed if name in NAMES and name != EVERY]
    if others:
        deployment.save(update_fields=others)
        Audit.record("change", user=user, deployment=deployment, target=deployment.deployment_id, fields=others)
    if EVERY in changed:
        deployments.set_every(deployment, deployment.every or 0, user=user)
