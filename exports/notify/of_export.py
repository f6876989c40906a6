"""What a message says of an export that is ready or failed. Whoever follows its link signs in there."""

from exports.models import Export
from psynetdata.models import Job

from .words import address, one_line

_WHAT = {"yes": "anonymized", "no": "as it is", "both": "anonymized and as it is"}


def export_heading(export: Export) -> str:
    became = "failed" if export.job.state == Job.State.FAILED else "ready"
    return f"Export {became}: {one_line(str(export.deployment))}"


def export_told(export: Export) -> str:
    what = f"{_WHAT.get(export.options.get('anonymize'), 'export')}, assets: {export.options.get('assets', 'none')}"
    asked = f"{str(export).capitalize()} ({what}), asked for by {export.owner or 'nobody who is still here'}"
    how = export.job.reason if export.job.state == Job.State.FAILED else _sizes(export)
    lines = [export_heading(export), f"Deployment {one_line(export.deployment.deployment_id)}", f"{asked}.", how]
    return "\n".join([*filter(None, lines), address("admin:exports_export_change", export.pk)])


def _sizes(export: Export) -> str:
    """`anonymous 12.3 MB, regular 40.1 MB`"""
    return ", ".join(f"{one.mode} {one.bytes / 1e6:,.1f} MB" for one in export.archives.order_by("mode"))
