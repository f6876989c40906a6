"""Accounts and groups with unfold's forms; changes are recorded. Only superusers can create or change superusers."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from psynetdata.models import Audit

admin.site.unregister(User)
admin.site.unregister(Group)


class OnRecord:
    """Records every change of an account or group in the audit log, including who gets or loses rights."""

    def rights_of(self, obj) -> dict:
        """Return the details of the record."""
        return {}

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        details = {"target": f"{self.opts.verbose_name} {form.instance}"[:200], **self.rights_of(form.instance)}
        Audit.record("change" if change else "add", user=request.user, **details)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            Audit.record("remove", user=request.user, target=f"{self.opts.verbose_name} {obj}"[:200])
        return super().log_deletions(request, queryset)


@admin.register(User)
class UserAdmin(OnRecord, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "group_names", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    filter_horizontal = ()  # Django's two lists have labels that screen readers do not read

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    def rights_of(self, obj) -> dict:
        flags = [name for name in ("is_active", "is_staff", "is_superuser") if getattr(obj, name)]
        return {"groups": sorted(obj.groups.values_list("name", flat=True)), "flags": flags}

    @admin.display(description="groups")
    def group_names(self, obj):
        return ", ".join(group.name for group in obj.groups.all()) or "–"

    def user_change_password(self, request, id, form_url=""):
        """Record the change: a user who sets another user's password can sign in as them."""
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            Audit.record("set password", user=request.user, target=f"user {self.get_object(request, id)}"[:200])
        return answer

    def get_readonly_fields(self, request, obj=None):
        fixed = super().get_readonly_fields(request, obj)
        return fixed if request.user.is_superuser else (*fixed, "is_superuser", "user_permissions")

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and _may_touch(request.user, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and _may_touch(request.user, obj)


def _may_touch(user, account) -> bool:
    return user.is_superuser or account is None or not account.is_superuser


@admin.register(Group)
class GroupAdmin(OnRecord, DjangoGroupAdmin, ModelAdmin):
    list_display = ("name",)
    filter_horizontal = ()

    def rights_of(self, obj) -> dict:
        return {"permissions": sorted(obj.permissions.values_list("codename", flat=True))}
