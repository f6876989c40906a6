"""The form in which people sign in: each failure is recorded, and too many of them cause a pause."""

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from psynetdata import sign_in_limit


class SignInForm(AuthenticationForm):
    def clean(self):
        name = self.cleaned_data.get("username") or ""
        if not (name and self.cleaned_data.get("password")):
            return super().clean()  # nothing is checked
        try:
            sign_in_limit.count_attempt(self.request, name)
        except sign_in_limit.TooManyFailures as error:
            raise ValidationError(str(error), code="too_many") from None
        try:
            cleaned = super().clean()
        except ValidationError:
            sign_in_limit.record_failure(self.request, name)
            raise
        sign_in_limit.record_success(self.request, name)
        return cleaned
