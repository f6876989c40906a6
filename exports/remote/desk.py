"""A desk somewhere else, asked through its API. Nothing here touches this machine's databases."""

from urllib.parse import urlsplit

from psynetdata import env
from psynetdata.infra.web_client import Answer, NoAnswer, WebAPI
from psynetdata.psynet.problems import Forbidden, NotFound, Problem, UsageError

_KINDS = {401: Forbidden, 403: Forbidden, 404: NotFound}
_LOCAL = ("localhost", "127.0.0.1", "::1")


class DeskAway(Problem):
    """It does not answer, or not as a desk does; it may go better later."""

    status = 502


class Desk:
    """`url`: where it is, without a credential. Raises UsageError for an address or a token that cannot be used."""

    def __init__(self, url: str, token: str, *, timeout: float = 30.0):
        try:
            self.url = env.web_address(url)
            port = urlsplit(self.url).port
        except ValueError as error:
            reason = error if "Port" not in str(error) else "its port is no number from 1 to 65535"
            raise UsageError(f"--remote cannot be used: {reason}. Write it like https://data.lab.org.") from None
        if not token:
            raise UsageError("--remote needs a token of that desk; put it into the variable PSYNETDATA_TOKEN.")
        try:
            env.token(token)
        except ValueError:
            raise UsageError("PSYNETDATA_TOKEN holds a character that no token has.") from None
        host = urlsplit(self.url).hostname
        self.name = f"{host}:{port}" if port else host
        self.api = WebAPI(self.url, {"Accept": "*/*", "Authorization": f"Token {token}"}, timeout=timeout)

    @property
    def is_in_clear(self) -> bool:
        """Whether the token and the data travel where others on the way can read them."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in _LOCAL

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """What it answers. Raises DeskAway, and its own refusals with its own sentence."""
        try:
            answer = self.api.ask(method, path, body)
        except NoAnswer as reason:
            raise DeskAway(f"The desk at {self.name}: {reason}.") from None
        if answer.status >= 300:
            raise self.refusal(answer)
        found = answer.json()
        if not isinstance(found, dict):
            raise DeskAway(f"What answers at {self.name} is no desk of psynetdata; see that the address is right.")
        return found

    def refusal(self, answer: Answer) -> Problem:
        """The Problem that an answer stands for."""
        found = answer.json()
        said = found.get("detail") if isinstance(found, dict) else None
        if answer.status in (301, 302, 303, 307, 308):
            return DeskAway(f"The desk at {self.name} is somewhere else: it leads on. Give the address it leads to.")
        if answer.status == 401:
            return Forbidden(f"The desk at {self.name} does not accept the token in PSYNETDATA_TOKEN.")
        if not isinstance(said, str):
            return DeskAway(f"The desk at {self.name} answers with status {answer.status} and no reason.")
        busy = answer.status == 429 or answer.status >= 500
        kind = DeskAway if busy else _KINDS.get(answer.status, Problem)
        return kind(f"The desk at {self.name} says: {said}")
