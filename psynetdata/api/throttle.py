"""The maximum request rate: API_RATE, counted for each token, link or signed-in user in each server process."""

from time import monotonic

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle


class Throttle(SimpleRateThrottle):
    scope = "api"
    # Not the clock's time: after it was set back, requests of the future would count until then.
    timer = staticmethod(monotonic)

    def get_rate(self) -> str | None:
        return settings.API_RATE

    def get_cache_key(self, request, view) -> str | None:
        who = request.auth or request.user
        if getattr(who, "pk", None) is None:
            return None  # it is rejected anyway
        return f"throttle-{type(who).__name__}-{who.pk}"
