"""What a message says of an export that is ready or failed. To follow its link one has to sign in."""

from exports.models import Export
from psynetdata.models import Job

from .audience import Audience
from .phrases import address, one_line

_WHAT = {"yes": "anonymized", "no": "as it is", "both": "anonymized and as it is"}


def export_heading(export: Export, name: str) -> str:
    became = "failed" if export.job.state == Job.State.FAILED else "ready"
    return f"Export {became}: {name}"


def export_body(export: Export, heading: str, audience: Audience) -> str:
    link = address("admin:exports_export_change", export.pk)
    if not audience.knows:
        return "\n".join([heading, str(export).capitalize(), link])
    what = f"{_WHAT.get(export.options.get('anonymize'), 'export')}, assets: {export.options.get('assets', 'none')}"
    asked = f"{str(export).capitalize()} ({what}), requested by {export.owner or 'a deleted account'}"
    how = export.job.reason if export.job.state == Job.State.FAILED else _sizes(export)
    lines = [heading, f"Deployment {one_line(export.deployment.deployment_id)}", f"{asked}.", how]
    return "\n".join([*filter(None, lines), link])


def _sizes(export: Export) -> str:
    """Return a text like `anonymous 12.3 MB, regular 40.1 MB`."""
    return ", ".join(f"{one.mode} {one.bytes / 1e6:,.1f} MB" for one in export.archives.order_by("mode"))
