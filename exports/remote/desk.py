"""Another desk, used through its API. Nothing here uses this machine's databases."""

from urllib.parse import urlsplit

from psynetdata import env
from psynetdata.infra.web_client import Answer, NoAnswer, WebAPI
from psynetdata.psynet.problems import Forbidden, NotFound, Problem, UsageError

_KINDS = {401: Forbidden, 403: Forbidden, 404: NotFound}
_LOCAL = ("localhost", "127.0.0.1", "::1")


class DeskAway(Problem):
    """The desk does not answer, or not as a desk should; trying later may help."""

    status = 502


class Desk:
    """`url`: its address, without credentials. Raises UsageError for an address or a token that cannot be used."""

    def __init__(self, url: str, token: str, *, timeout: float = 30.0):
        try:
            self.url = env.web_address(url)
            port = urlsplit(self.url).port
        except ValueError as error:
            reason = error if "Port" not in str(error) else "its port is not a number from 1 to 65535"
            raise UsageError(f"--remote cannot be used: {reason}. Write it like https://data.lab.org.") from None
        if not token:
            raise UsageError("--remote needs a token of that desk; put it into the variable PSYNETDATA_TOKEN.")
        try:
            env.token(token)
        except ValueError:
            raise UsageError("PSYNETDATA_TOKEN holds a character that tokens do not have.") from None
        host = urlsplit(self.url).hostname
        self.name = f"{host}:{port}" if port else host
        self.api = WebAPI(self.url, {"Accept": "*/*", "Authorization": f"Token {token}"}, timeout=timeout)

    @property
    def is_in_clear(self) -> bool:
        """Whether the token and the data are sent unencrypted, so that others on the way can read them."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in _LOCAL

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """Return its answer. Raises DeskAway, and the desk's own refusals with its own sentence."""
        try:
            answer = self.api.ask(method, path, body)
        except NoAnswer as reason:
            raise DeskAway(f"The desk at {self.name}: {reason}.") from None
        if answer.status >= 300:
            raise self.refusal(answer)
        content = answer.json()
        if not isinstance(content, dict):
            raise DeskAway(f"There is no psynetdata desk at {self.name}; check that the address is right.")
        return content

    def refusal(self, answer: Answer) -> Problem:
        """Return the Problem that an answer means."""
        content = answer.json()
        detail = content.get("detail") if isinstance(content, dict) else None
        if answer.status in (301, 302, 303, 307, 308):
            return DeskAway(f"The desk at {self.name} has moved: it redirects. Give the address that it redirects to.")
        if answer.status == 401:
            return Forbidden(f"The desk at {self.name} does not accept the token in PSYNETDATA_TOKEN.")
        if not isinstance(detail, str):
            return DeskAway(f"The desk at {self.name} answers with status {answer.status} and no reason.")
        busy = answer.status == 429 or answer.status >= 500
        kind = DeskAway if busy else _KINDS.get(answer.status, Problem)
        return kind(f"The desk at {self.name} says: {detail}")
