from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import display

from psynetdata import rights
from psynetdata.models import ApiToken, Audit

from . import html
from .pages import Card, CardsAdmin


class NewTokenForm(forms.ModelForm):
    def clean_expires_at(self):
        expires = self.cleaned_data["expires_at"]
        if expires and expires <= timezone.now():
            raise forms.ValidationError("This moment has passed; a token must expire later than now.")
        return expires

    def clean(self):
        cleaned = super().clean()
        owner = cleaned.get("user")
        if cleaned.get("identified") and owner and not rights.can_see_identified(owner):
            raise forms.ValidationError(f"{owner} may not see identified data, so a token of theirs may not either.")
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(CardsAdmin):
    """Everyone sees and makes tokens of their own, superusers everyone's. The token itself is shown once."""

    form = NewTokenForm
    list_display = ("name", "user", "identified", "deployment", "state_badge", "expires", "last_used")
    list_filter = ("identified", "revoked")
    list_filter_submit = False
    list_select_related = ("user", "deployment")
    search_fields = ("name", "user__username")
    actions = ("revoke_selected",)

    def get_queryset(self, request):
        tokens = super().get_queryset(request)
        return tokens if request.user.is_superuser else tokens.filter(user=request.user)

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    # --- making one ------------------------------------------------------------------------
    def get_fieldsets(self, request, obj=None):
        if obj is not None:
            return []
        names = ["name", "deployment", "expires_at"]
        names += ["identified"] if rights.can_see_identified(request.user) else []
        names += ["user"] if request.user.is_superuser else []
        return [(None, {"fields": names})]

    def get_changeform_initial_data(self, request):
        return {"user": request.user.pk}

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for may in ("add", "change", "delete", "view"):
            setattr(field.widget, f"can_{may}_related", False)
        return field

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        # Each button would lead to the page that shows the token; one is enough.
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "user":
            kwargs["queryset"] = get_user_model().objects.filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        owner = obj.user if request.user.is_superuser else request.user
        made, obj.token = ApiToken.issue(
            owner,
            name=obj.name,
            identified=obj.identified and rights.can_see_identified(owner),
            deployment=obj.deployment,
        )
        made.expires_at = obj.expires_at
        made.save(update_fields=["expires_at"])
        obj.pk, obj.user, obj.identified, obj.digest = made.pk, made.user, made.identified, made.digest
        told = {"deployment": made.deployment, "target": f"token {made.pk}", "identified": made.identified}
        Audit.record("issue", user=request.user, **told)

    def response_add(self, request, obj, post_url_continue=None):
        """Show the token in the answer itself: a message would put it into a cookie or a session."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new token",
            "opts": self.opts,
            "token": obj.token,
            "row": obj,
            "list_url": html.list_url(ApiToken),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/psynetdata/token_made.html", context)

    # --- revoking --------------------------------------------------------------------------
    def get_urls(self):
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:token_id>/revoke/", revoke, name="psynetdata_apitoken_revoke"), *super().get_urls()]

    def revoke_view(self, request, token_id: int):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        self._revoke(request, self.get_queryset(request).filter(pk=token_id))
        return HttpResponseRedirect(html.list_url(ApiToken))

    @admin.action(description="Revoke", permissions=["view"])
    def revoke_selected(self, request, queryset):
        self._revoke(request, queryset)

    def _revoke(self, request, tokens) -> None:
        """`tokens` come from get_queryset: one's own, or anyone's for a superuser."""
        numbers = list(tokens.filter(revoked=False).values_list("pk", flat=True))
        ApiToken.objects.filter(pk__in=numbers).update(revoked=True)
        for number in numbers:
            Audit.record("revoke", user=request.user, target=f"token {number}")
        messages.success(request, f"{len(numbers)} token{'' if len(numbers) == 1 else 's'} revoked.")

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

    def cards(self, request, obj):
        facts = [
            ("name", obj.name),
            ("owner", obj.user),
            ("state", self.state_badge(obj)),
            ("identified face", html.value(obj.identified)),
            ("deployment", html.to_object(obj.deployment) if obj.deployment else "every deployment"),
            ("made", html.utc(obj.created_at)),
            ("expires", self.expires(obj)),
            ("last used", self.last_used(obj)),
        ]
        cards = [Card("In short", facts=facts)]
        if not obj.revoked:
            url = reverse("admin:psynetdata_apitoken_revoke", args=(obj.pk,))
            cards.append(Card("Revoke", template="admin/psynetdata/revoke.html", context={"url": url}))
        return cards
