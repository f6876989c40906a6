"""Presets of the request page: everybody uses them; only the person who saved one changes and removes it."""

from dataclasses import replace

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction

from exports.models import ExportPreset
from exports.package.options import ExportOptions
from psynetdata import rights
from psynetdata.models import Audit
from psynetdata.psynet.problems import Conflict, UsageError

from .option_fields import may_ask

_SHOWN = 50


class PresetForm(forms.Form):
    name = forms.CharField(max_length=100)


def usable(user) -> list[ExportPreset]:
    """Return presets that ask for nothing that the person may not have; `may_remove`: they may remove it."""
    rows = [row for row in ExportPreset.objects.all()[:_SHOWN] if may_ask(user, row.options["anonymize"])]
    for row in rows:
        row.may_remove = rights.can_change_own(user, row.owner_id)
    return rows


def keep(request, options: ExportOptions) -> ExportPreset:
    """Save the options under the form's name, for all participants of any deployment.

    Raises UsageError without a name, Conflict if the preset belongs to somebody else.
    """
    form = PresetForm(request.POST)
    if not form.is_valid():
        raise UsageError("A preset needs a name of at most 100 characters.")
    name, options = form.cleaned_data["name"], replace(options, participants=None)
    with transaction.atomic():
        fields = {"options": options.to_json(), "owner": request.user}
        row, created = ExportPreset.objects.select_for_update().get_or_create(name=name, defaults=fields)
        if not created and not rights.can_change_own(request.user, row.owner_id):
            raise Conflict(f"Somebody else saved a preset called “{name}”; give this one another name.")
        if not created:
            row.options = options.to_json()
            row.save(update_fields=["options"])
        Audit.record("keep", user=request.user, target=f"export preset {row.pk}", **row.options)
    return row


def to_remove(user, number: int) -> ExportPreset | None:
    """Return the preset, None if it no longer exists. Raises PermissionDenied for a user who may not remove it."""
    row = ExportPreset.objects.filter(pk=number).first()
    if row is not None and not rights.can_change_own(user, row.owner_id):
        raise PermissionDenied
    return row


def remove(request, row: ExportPreset) -> str:
    Audit.record("remove", user=request.user, target=f"export preset {row.pk}")
    row.delete()
    return f"The preset “{row}” is removed."
