"""Source `heroku`: an app on Heroku. Its platform API is asked for the database's address each time it is needed.

Heroku may change a database's credentials at any time, so no answer is stored. The calls and their meaning: Heroku's
Platform API reference, "Config Vars" and "Rate Limits".
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings

from psynetdata.infra.local_addresses import check_named
from psynetdata.infra.web_client import Answer, NoAnswer, WebAPI
from psynetdata.models import Deployment
from psynetdata.psynet.problems import BadInput, NotFound

from . import postgres
from .base import Access, Located, SourceKind
from .postgres import Address, Refused, Unreachable, WrongPassword, connect

TOKEN = "HEROKU_API_KEY"  # where Heroku's own command line looks for it
_NAME = "psynetdata, looking whether it may connect"
_URL = re.compile(r"heroku://(?::(?P<token>[^@/\s]+)@)?(?P<app>[a-z][a-z0-9-]{1,35})/?")
_ACCEPT = "application/vnd.heroku+json; version=3"
_VARIABLE = "DATABASE_URL"
_PAUSES = (1.0, 4.0)  # seconds between tries, if the API does not say how long to wait
_LONGEST_PAUSE = 20.0
_BUSY = (429, 500, 502, 503, 504)


class Heroku(SourceKind):
    source = Deployment.Source.HEROKU
    schemes = ("heroku://",)
    example = "heroku://app"
    own_way = f"the token is in the environment variable {TOKEN}"

    def locate(self, url: str) -> Located:
        match = _URL.fullmatch(url)
        if match is None:
            raise BadInput("Write a Heroku app like heroku://my-app, in lower-case letters, digits and hyphens.")
        app = match["app"]
        return Located(f"heroku://{app}", f"The Heroku app {app}", match["token"])

    @contextmanager
    def reach(self, located: Located, access: Access) -> Iterator[Address]:
        token = access.password or os.environ.get(TOKEN, "")
        if not re.fullmatch(r"[!-~]+", token):
            raise Refused(f"{located.label}: there is no token for Heroku; give one, or set {TOKEN}.")
        yield _that_lets_us_in(located, token)


def _that_lets_us_in(located: Located, token: str) -> Address:
    """Return the database's address. If its credentials are refused, ask again: they may have changed in between."""
    address = _database(located, token)
    try:
        connect(address, name=_NAME).close()
        return address
    except Refused as refused:
        anew = _database(located, token)
        if (anew.url, anew.password) != (address.url, address.password):
            return anew
        if isinstance(refused, WrongPassword):
            raise Refused(
                f"{address.label} refuses the credentials that Heroku gives for it; they may be changing just now, "
                "and it is tried again later."
            ) from None
        raise


def _database(located: Located, token: str) -> Address:
    """Return the address from the app's config vars. TLS is always required, because it leads through the internet."""
    url = _config_vars(located, token).get(_VARIABLE)
    if not isinstance(url, str) or not url:
        raise BadInput(f"{located.label} has no database: its config vars hold no {_VARIABLE}.")
    try:
        address = postgres.parse(url.partition("?")[0])
    except BadInput:
        raise BadInput(f"{located.label}: its {_VARIABLE} is not the address of a PostgreSQL database.") from None
    check_named(address.host)  # whoever owns the app writes it
    return replace(address, options=(("sslmode", "require"),), called=f"{located.label}: its database")


def _config_vars(located: Located, token: str) -> dict:
    app = located.url.removeprefix("heroku://")
    api = WebAPI(settings.HEROKU_API_URL, {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"})
    answer = _asked(api, f"/apps/{app}/config-vars", located)
    if answer.status == 401:
        raise Refused(
            f"{located.label}: Heroku does not accept the token; it was revoked or has expired. Give another."
        )
    if answer.status == 403:
        raise Refused(f"{located.label}: the token has no right to read its config vars; give a token that has.")
    if answer.status in (404, 422):
        raise NotFound(f"{located.label}: there is no such app, or the token has no right to see it.")
    variables = answer.json()
    if answer.status != 200 or not isinstance(variables, dict):
        raise Unreachable(f"{located.label}: Heroku's API answers in a way that is not understood ({answer.status}).")
    return variables


def _asked(api: WebAPI, path: str, located: Located) -> Answer:
    """Return the answer, after more tries if the API is busy or does not answer. Raises Unreachable."""
    why = ""
    for pause in (*_PAUSES, None):
        asked = None
        try:
            answer = api.ask("GET", path)
            if answer.status not in _BUSY:
                return answer
            asked, why = answer.retry_after, f"it is overloaded or failing (status {answer.status})"
        except NoAnswer as reason:
            why = str(reason)
        if pause is not None:
            time.sleep(pause if asked is None else min(asked, _LONGEST_PAUSE))
    raise Unreachable(
        f"{located.label}: Heroku's API was asked {len(_PAUSES) + 1} times; {why}. It is tried again later."
    )
