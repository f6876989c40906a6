"""Pages of things that users create for themselves and can revoke: tokens, links to sheets."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import display

from psynetdata.models import Audit, Deployment
from psynetdata.psynet.problems import Conflict

from . import html
from .cards import Card, CardsAdmin
from .confirmation import ConfirmationPlan
from .selection import on_each


class RevocableAdmin(CardsAdmin):
    """Users see and revoke their own rows, superusers all. `noun` is the name in sentences and the audit log."""

    noun = ""
    actions = ("revoke_selected",)
    list_filter = ("identified", "revoked")
    list_filter_submit = False
    list_select_related = ("user",)

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    # --- revoking --------------------------------------------------------------------------
    @property
    def _revoke_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_revoke"

    def get_urls(self):
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:number>/revoke/", revoke, name=self._revoke_name), *super().get_urls()]

    def revoke_view(self, request, number: int):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=number, revoked=False).first()
        if row is not None:
            self._revoke(request, row)
            messages.success(request, f"The {self.noun} is revoked.")
        return HttpResponseRedirect(html.list_url(self.model))

    @admin.action(description="Revoke", permissions=["view"])
    def revoke_selected(self, request, queryset):
        sentences = [f"These {self.noun}s stop working immediately. This cannot be undone."]
        plan = ConfirmationPlan("Revoke", sentences, "Revoke them", stops=True)
        return on_each(self, request, queryset, plan, lambda row: self._revoke(request, row), "are revoked")

    def _revoke(self, request, row) -> None:
        """Revoke `row`, which comes from get_queryset: the user's own, or anyone's for a superuser."""
        if not self.model.objects.filter(pk=row.pk, revoked=False).update(revoked=True):
            raise Conflict("it is already revoked.")
        Audit.record("revoke", user=request.user, deployment=self.bound(row), target=f"{self.noun} {row.pk}")

    def bound(self, row) -> Deployment | None:
        """Return the only deployment that the row gives access to, or None."""
        raise NotImplementedError

    def revoke_card(self, obj) -> Card:
        url = reverse(f"admin:{self._revoke_name}", args=(obj.pk,))
        return Card("Revoke", template="admin/psynetdata/revoke.html", context={"url": url, "noun": self.noun})

    # --- what is shown ---------------------------------------------------------------------
    @display(description="state")
    def state_badge(self, obj):
        if obj.revoked:
            return html.badge("revoked", "danger")
        expired = obj.expires_at and obj.expires_at <= timezone.now()
        return html.badge("expired", "neutral") if expired else html.badge("valid", "success")

    @display(description="expires", ordering="expires_at")
    def expires(self, obj):
        return html.utc(obj.expires_at) if obj.expires_at else "never"

    @display(description="last used", ordering="last_used_at")
    def last_used(self, obj):
        return html.utc(obj.last_used_at) if obj.last_used_at else "never"
