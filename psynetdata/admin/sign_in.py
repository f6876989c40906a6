"""The forms that check a password: each failure is recorded, and too many of them cause a pause."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from psynetdata import sign_in_limit


class SignInForm(AuthenticationForm):
    def clean(self):
        name = self.cleaned_data.get("username") or ""
        if not (name and self.cleaned_data.get("password")):
            return super().clean()  # nothing is checked
        return _limited(self.request, name, super().clean)


class ChangePasswordForm(AdminOwnPasswordChangeForm):
    """Whoever finds an open session must not guess the password here."""

    def __init__(self, user, *args, request: HttpRequest, **kwargs):
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self):
        return _limited(self._request, self.user.get_username(), super().clean_old_password)


class ChangePasswordView(PasswordChangeView):
    form_class = ChangePasswordForm
    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs):
        return super().get_context_data(**admin.site.each_context(self.request), **kwargs)


def _limited(request: HttpRequest, name: str, check: Callable[[], Any]) -> Any:
    """Return what `check` returns. A ValidationError that it raises is a failure; during a pause it is not called."""
    try:
        sign_in_limit.count_attempt(request, name)
    except sign_in_limit.TooManyFailures as error:
        raise ValidationError(str(error), code="too_many") from None
    try:
        checked = check()
    except ValidationError:
        sign_in_limit.record_failure(request, name)
        raise
    sign_in_limit.record_success(request, name)
    return checked
