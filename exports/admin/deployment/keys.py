"""A deployment's pseudonym key: exported once, or destroyed; each on a page that says what will happen."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from unfold.decorators import action

from exports.mirroring.rebuild import rebuild
from exports.operations.keys import destroy_key
from psynetdata import rights
from psynetdata.admin.pages import html
from psynetdata.admin.pages.confirmation import ConfirmationPlan, confirmed, row_or_404
from psynetdata.anonymize.face import keys
from psynetdata.models import Deployment


class KeyActions:
    """For DeploymentAdmin."""

    def has_hold_keys_permission(self, request, object_id=None) -> bool:
        return self.has_view_permission(request) and rights.can_hold_keys(request.user)

    @action(description="Export the key", url_path="export-key", permissions=["hold_keys"], icon="key")
    def export_key(self, request, object_id):
        row = self._allowed(request, object_id)
        return confirmed(self, request, row, _plan_to_export(row), lambda: _file(request, row))

    @action(description="Destroy the key", url_path="destroy-key", permissions=["hold_keys"], icon="key_off")
    def destroy_key(self, request, object_id):
        row = self._allowed(request, object_id)

        def do() -> str:
            destroy_key(row, user=request.user)
            rebuild(row, owner=request.user)
            return f"The key of {row} is destroyed. Its anonymous face is being rebuilt, with other pseudonyms."

        return confirmed(self, request, row, _plan_to_destroy(row), do)

    def _allowed(self, request, object_id) -> Deployment:
        row = row_or_404(self, request, object_id)
        if not self.has_hold_keys_permission(request):
            raise PermissionDenied
        return row


def _shared(row: Deployment) -> list[str]:
    others = [str(one) for one in row.first.chain() if one.pk != row.pk]
    return [f"It is also the key of {', '.join(others)}."] if others else []


def _plan_to_export(row: Deployment) -> ConfirmationPlan:
    if at := row.first.key_exported_at:
        return ConfirmationPlan(
            "Export the key", [f"It was exported on {html.utc(at)}. A key can be exported only once."]
        )
    sentences = [
        "The key that makes the pseudonyms is exported as a separate file, once. Anyone with it and a person's id can "
        "compute that person's pseudonym: keep it separate from the exports, readable only for people who need it.",
        *_shared(row),
        "It is recorded with your name.",
    ]
    return ConfirmationPlan("Export the key", sentences, "Export it", stops=True)


def _plan_to_destroy(row: Deployment) -> ConfirmationPlan:
    if not row.first.sealed_key:
        return ConfirmationPlan("Destroy the key", ["There is no key: none was needed yet, or it was destroyed."])
    sentences = [
        "Nobody can then make these pseudonyms again, or trace them with the key. The assigned numbers and what "
        "is stored of identifiers are deleted too; identifiers of snapshots that were deleted are then no longer "
        "known, so they are no longer replaced where other people wrote them. This cannot be undone.",
        "Exports made from then on have other pseudonyms, which cannot be joined with those of earlier exports. The "
        "anonymous face is rebuilt with them.",
        "This does not reach: a key file that was exported, backups of this site's database, and snapshots, "
        "whose rows hold the ids themselves.",
        *_shared(row),
    ]
    return ConfirmationPlan("Destroy the key", sentences, "Destroy it", stops=True)


def _file(request, row: Deployment) -> HttpResponse:
    answer = HttpResponse(keys.export_key(row, user=request.user), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="pseudonym-key-{row.number}.json"'
    answer["Cache-Control"] = "no-store"
    return answer
