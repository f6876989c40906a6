"""Authentication: `Authorization: Token …`, HTTP Basic with a token, or the session of the desk.

Credentials are never accepted in the URL: URLs end up in logs, histories and other people's e-mails.
"""

import base64
import binascii
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions

from psynetdata.infra.clock import AHEAD, lately
from psynetdata.models import ApiToken, SheetLink
from psynetdata.psynet.problems import Forbidden, Gone

# PsyNet's own /basic_data accepts the last two.
IN_THE_ADDRESS = ("token", "password", "dashboard_user", "dashboard_password")
_USED_AGAIN_AFTER = timedelta(minutes=1)


def check_address(request) -> None:
    """Answer 400 to a URL that contains a credential, valid or not, or a NUL character."""
    if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
        raise exceptions.ParseError("The URL contains a NUL character; no text in a database does.")
    secrets = [name for name in request.GET if name.lower() in IN_THE_ADDRESS]
    if secrets:
        raise exceptions.ParseError(
            f"A credential does not belong in the URL ({', '.join(sorted(secrets))}): send the header "
            "'Authorization: Token …', or HTTP Basic with the token as its password. "
            "If this one was real, revoke it: URLs are logged."
        )


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Token <token>`; `Bearer` is accepted too."""

    keywords = ("token", "bearer")

    def authenticate(self, request):
        check_address(request)
        words = authentication.get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() not in self.keywords:
            return None
        return _accept(words[1])

    def authenticate_header(self, request):
        return 'Token realm="psynetdata"'


class BasicTokenAuthentication(authentication.BaseAuthentication):
    """HTTP Basic with a token as the password, or as the user name with any password."""

    def authenticate(self, request):
        words = authentication.get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(words[1], validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise exceptions.AuthenticationFailed("The Authorization header is not valid HTTP Basic.") from None
        return _accept(password, name)


class LinkAuthentication(authentication.BaseAuthentication):
    """A signed link to one sheet: the user is the link's owner, `request.auth` is the link."""

    def authenticate(self, request):
        check_address(request)
        link = SheetLink.find(request.parser_context["kwargs"]["signed"])
        if link is None:
            raise Forbidden("This link is incomplete, or was not created here; ask for it again.")
        if not link.is_valid:
            raise Gone("This link has expired or was revoked; ask its owner for a new one.")
        _note_use(link)
        return link.user, link


def _accept(*candidates: str):
    """Return (user, token) of the first candidate that is a valid token; raises AuthenticationFailed."""
    for candidate in candidates:
        token = ApiToken.find(candidate) if candidate else None
        if token is not None:
            _note_use(token)
            return token.user, token
    raise exceptions.AuthenticationFailed("This token is unknown, revoked or expired; create a new one on the desk.")


def _note_use(token: ApiToken | SheetLink) -> None:
    """Store the time of use, at most once a minute, regardless of the number of requests."""
    now = timezone.now()
    since = now - _USED_AGAIN_AFTER
    if token.last_used_at is None or not since < token.last_used_at <= now + AHEAD:
        stale = Q(last_used_at=None) | ~lately("last_used_at", since, now)
        type(token).objects.filter(stale, pk=token.pk).update(last_used_at=now)


class _TokenScheme(OpenApiAuthenticationExtension):
    target_class = "psynetdata.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token <token>`"}


class _BasicScheme(OpenApiAuthenticationExtension):
    target_class = "psynetdata.api.authentication.BasicTokenAuthentication"
    name = "basic"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "basic", "description": "The token as password, or as user name."}
