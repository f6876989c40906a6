"""Headers of every answer that is not a static file: no cache in between may keep it or give it to somebody else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

PRIVATE = "private, no-store"


class PrivateResponseMiddleware:
    """Sets `Cache-Control` where a view did not, and `Vary`, because answers depend on who asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._get_response(request)
        answer.headers.setdefault("Cache-Control", PRIVATE)
        patch_vary_headers(answer, ("Authorization", "Cookie"))
        return answer
