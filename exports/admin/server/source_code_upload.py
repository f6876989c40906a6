"""Upload an experiment's source code, which regular exports then include."""

from pathlib import Path
from tempfile import TemporaryDirectory

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget

from exports.models import SourceCode
from exports.server import source_code
from exports.sources.source_code_zip import LARGEST
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.models import Deployment
from psynetdata.psynet.problems import UsageError


class SourceForm(forms.Form):
    file = forms.FileField(
        label="source_code.zip", widget=UnfoldAdminFileFieldWidget,
        help_text=f"A zip with the experiment's experiment.py, of at most {LARGEST >> 20} MiB.",
    )  # fmt: skip


class SourceCodeActions:
    """For DeploymentAdmin; only for users who may export identified data, because such exports include the code."""

    def has_hand_in_source_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and rights.can_export(request.user, "regular")

    @action(description="Source code", url_path="source-code", permissions=["hand_in_source"], icon="code")
    def source_code(self, request, object_id):
        row = row_or_404(self, request, object_id)
        if not self.has_hand_in_source_permission(request):
            raise PermissionDenied
        form = SourceForm(request.POST, request.FILES) if request.method == "POST" else SourceForm()
        plan = ConfirmationPlan("Source code", _sentences(row), "Keep it", form=form)
        return confirmed(self, request, row, plan, lambda: _keep(row, form, request.user))


def _sentences(row: Deployment) -> list[str]:
    kept = SourceCode.objects.filter(deployment=row).first()
    now = "None is stored yet."
    if kept:
        now = (
            f"One is stored, {html.size(kept.bytes)}, since {html.utc(kept.stored_at)} (sha256 {kept.sha256}). "
            "Your upload replaces it for good."
        )
    return [
        f"The experiment's source code goes into regular exports of {row}, never into anonymized ones. It is stored "
        "unchanged and never run.",
        now,
    ]


def _keep(row: Deployment, form: SourceForm, user) -> str:
    if not form.is_valid():
        raise UsageError("No file was sent; choose the zip with the source code.")
    with TemporaryDirectory(dir=settings.TEMP_DIR, prefix="source-") as folder:
        path = Path(folder) / source_code.NAME
        _write(form.cleaned_data["file"], path)
        kept = source_code.keep(row, path, user=user)
    return f"The source code of {row} is stored: {html.size(kept.bytes)}, sha256 {kept.sha256}."


def _write(file: UploadedFile, path: Path) -> None:
    with path.open("wb") as copy:
        for block in file.chunks():
            copy.write(block)
