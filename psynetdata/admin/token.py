from copy import deepcopy

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminTextInputWidget

from psynetdata import rights
from psynetdata.models import ApiToken, Audit, Deployment

from .pages import html
from .pages.cards import Card
from .pages.revocation import RevocableAdmin
from .pages.visibility import only

EVERY = "every deployment"


class _Deployments(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj):
        # All launches of an experiment have the same label.
        return f"{obj.label} ({obj.deployment_id})" if obj.label else obj.deployment_id


class NewTokenForm(forms.ModelForm):
    sheets = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text="Names of sheets, separated by commas; the token can then read only these. Empty: everything.",
    )

    deployments = _Deployments(
        Deployment.objects.all(),
        required=False,
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="The token can read only these. None selected: every deployment, including future ones.",
    )

    def clean_deployments(self):
        return [deployment.number for deployment in self.cleaned_data["deployments"]]

    def clean_sheets(self):
        return list(dict.fromkeys(name.strip() for name in self.cleaned_data["sheets"].split(",") if name.strip()))

    def clean_expires_at(self):
        expires = self.cleaned_data["expires_at"]
        if expires and expires <= timezone.now():
            raise forms.ValidationError("This time is in the past; a token must expire in the future.")
        return expires

    def clean(self):
        cleaned = super().clean()
        owner = cleaned.get("user")
        if cleaned.get("identified") and owner and not rights.can_see_identified(owner):
            raise forms.ValidationError(f"{owner} may not see identified data, so their tokens may not either.")
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(RevocableAdmin):
    """Users see and create their own tokens, superusers those of all users. The token itself is shown only once."""

    form = NewTokenForm
    list_display = ("name", "user", "identified", "bound_to", "state_badge", "expires", "last_used")
    noun = "token"
    search_fields = ("name", "user__username")

    # --- making one ------------------------------------------------------------------------
    def get_fieldsets(self, request, obj=None):
        if obj is not None:
            return []
        names = ["name", "deployments", "sheets", "expires_at"]
        names += ["identified"] if rights.can_see_identified(request.user) else []
        names += ["user"] if request.user.is_superuser else []
        return [(None, {"fields": names})]

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        if "deployments" in form.base_fields:
            # A copy, because concurrent requests share the declared field.
            field = form.base_fields["deployments"] = deepcopy(form.base_fields["deployments"])
            field.queryset = only(request, Deployment.objects.all(), "pk")
        return form

    def get_changeform_initial_data(self, request):
        return {"user": request.user.pk}

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for may in ("add", "change", "delete", "view"):
            setattr(field.widget, f"can_{may}_related", False)
        return field

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        # All buttons would lead to the page that shows the token; one is enough.
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "user":
            kwargs["queryset"] = get_user_model().objects.filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        owner = obj.user if request.user.is_superuser else request.user
        token, obj.token = ApiToken.issue(
            owner,
            name=obj.name,
            identified=obj.identified and rights.can_see_identified(owner),
            deployments=Deployment.objects.filter(pk__in=obj.deployments),
            sheets=obj.sheets,
        )
        token.expires_at = obj.expires_at
        token.save(update_fields=["expires_at"])
        obj.pk, obj.user, obj.identified, obj.digest = token.pk, token.user, token.identified, token.digest
        details = {"target": f"token {token.pk}", "identified": token.identified, "deployments": token.deployments}
        Audit.record("issue", user=request.user, deployment=self.bound(token), **details)

    def bound(self, row):
        return Deployment.objects.filter(pk=row.deployments[0]).first() if len(row.deployments) == 1 else None

    def response_add(self, request, obj, post_url_continue=None):
        """Show the token in the response itself: a message would store it in a cookie or a session."""
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

    @display(description="deployments")
    def bound_to(self, obj):
        return html.number(len(obj.deployments)) if obj.deployments else EVERY

    def cards(self, request, obj):
        bound = only(request, Deployment.objects.filter(pk__in=obj.deployments), "pk")
        facts = [
            ("name", obj.name),
            ("owner", obj.user),
            ("state", self.state_badge(obj)),
            ("identified face", html.value(obj.identified)),
            ("deployments", html.joined([html.to_object(one) for one in bound]) if obj.deployments else EVERY),
            ("sheets", ", ".join(obj.sheets) or "all, and the rest of the API"),
            ("made", html.utc(obj.created_at)),
            ("expires", self.expires(obj)),
            ("last used", self.last_used(obj)),
        ]
        cards = [Card("Summary", facts=facts)]
        return cards if obj.revoked else [*cards, self.revoke_card(obj)]
