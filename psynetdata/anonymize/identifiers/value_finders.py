"""Finds ids, secrets and paths inside values of any shape. Each yields (value, kind of identifiers.KINDS)."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from psynetdata.anonymize.forms import encodings, id_names, patterns
from psynetdata.psynet import jsontext

Found = Iterable[tuple[str, str]]

# What recruiters hand over beside ids: in lower case without punctuation. Elsewhere these are data (a stimulus' name).
_HANDED_OVER = {
    **dict.fromkeys(("ip",), "address"),
    **dict.fromkeys(("name", "firstname", "lastname", "surname", "fullname"), "name"),
}
# In entry information any key that ends like this may name a person or a session.
_ENDINGS = ("id", "uuid", "guid", "hash", "token", "email", "mail", "phone", "name", "address", "ip", "code")
_SECRET_KEY = re.compile(r"password|secret|token|api_?key|access_key|credential|dashboard_user|username", re.IGNORECASE)
_PORT = re.compile(r"(?<=[\d\]]):\d+$")
# Shorter values of a configuration (`???`) open nothing.
_SHORTEST_SECRET = 4
_SHORTEST_LINK_SECRET = 6
_LONGEST_ID = 400
_PARAMETER = re.compile(
    r"(?:password|passwd|secret|token|api_?key|signature|dashboard_user)(?:=|%3d)([^&\s\"'<>\\#]+)", re.IGNORECASE
)
_LOGIN = re.compile(r"://([^/\s:@\"'<>]*):([^/\s@\"'<>]+)@")


def handed_over(value: object) -> Found:
    """Values under a name of identity in what a recruiter hands over: names of people too."""
    yield from under_id_keys(value, _HANDED_OVER)


def under_id_keys(value: object, more: dict[str, str] | None = None) -> Found:
    """Values that stand under a name of identity (see naming), in any casing, at any depth, in query strings too."""
    if isinstance(value, dict):
        for key, item in value.items():
            kind = id_names.kind_of(str(key)) or (more or {}).get("".join(filter(str.isalnum, str(key).casefold())))
            yield from under_id_keys(item, more) if kind is None else ((leaf, kind) for leaf in leaves(item, True))
    elif isinstance(value, list):
        for item in value:
            yield from under_id_keys(item, more)
    elif isinstance(value, str) and value[:1] in ("{", "[", '"'):
        inner = jsontext.decode(value)
        yield from () if isinstance(inner, str) and inner == value else under_id_keys(inner, more)
    elif isinstance(value, str) and "=" in value and " " not in value:
        for name, item in parse_qsl(value.rpartition("?")[2]):
            if kind := id_names.kind_of(name):
                yield item, kind


def ids_in_text(text: str) -> Found:
    """The same in a cell that holds JSON or anything else."""
    if id_names.may_hold(text):
        yield from ((leaf, kind) for leaf, kind in under_id_keys(jsontext.read(text)) if len(leaf) <= _LONGEST_ID)


def entries(value: object) -> Iterator[tuple[str, bool]]:
    """(value, whether its key may name a person) of all that a recruiter handed over."""
    for key, item in _keyed(value):
        telling = "".join(filter(str.isalnum, key.casefold())).endswith(_ENDINGS)
        yield from ((leaf, telling) for leaf in leaves(item))


def _keyed(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """(the key that is nearest above it, item) of all that is no dictionary or list."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _keyed(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _keyed(item, key)
    else:
        yield key, value


def links(text: str) -> Found:
    """Secrets in addresses and query strings wherever they stand: `?token=…`, `https://user:password@host`."""
    if "=" in text or "%3" in text:
        for value in _PARAMETER.findall(text):
            yield from ((each, "secret") for each in {value, unquote(value)} if len(each) >= _SHORTEST_LINK_SECRET)
    if "://" in text and "@" in text:
        for login in _LOGIN.findall(text):
            yield from ((each, "secret") for each in login if len(each) >= _SHORTEST_SECRET)


def in_configuration(value: object) -> Found:
    """Secrets of a configuration: under telling keys, and in the query and user part of addresses."""
    for key, text in _keyed(value):
        if not isinstance(text, str) or not text:
            continue
        if _SECRET_KEY.search(key):
            yield from ((text, "secret"),) if len(text) >= _SHORTEST_SECRET else ()
        elif key == "experimenter_name":
            yield text, "name"
        elif patterns.EMAIL.fullmatch(text):
            yield text, "email"
        elif "://" in text:
            yield from _in_url(text)


def _in_url(text: str) -> Found:
    try:
        url = urlsplit(text)
    except ValueError:
        return
    secrets = [value for key, value in parse_qsl(url.query) if _SECRET_KEY.search(key)]
    for value in (*secrets, url.username, url.password):
        if value and len(value) >= _SHORTEST_SECRET:
            yield value, "secret"


def paths(text: str) -> Found:
    """Whole paths on a machine, which can name a user: an asset's source, and where assets are stored.

    (psynet.asset, LocalStorage.root.) A relative path is the experimenter's name for a stimulus.
    """
    value = jsontext.decode(text)
    root = value.get("root") if isinstance(value, dict) else text
    if isinstance(root, str) and root.count("/") >= 2 and (root[0] in "/~" or root[1:2] == ":"):
        yield root, "path"


def emails(text: str) -> Found:
    """E-mail addresses that someone typed; they may stand elsewhere too, as in a chain's next stimulus."""
    if "@" in text or "u0040" in text:
        value = jsontext.decode(text)
        plain = text if value is jsontext.MISSING else "\n".join(leaves(value))
        for layer in (plain, *encodings.texts(plain)):
            yield from ((match, "email") for match in patterns.EMAIL.findall(layer))


def parts(value: str, kind: str) -> list[str]:
    """An X-Forwarded-For list's parts, each also without its port; other values as they are."""
    value = value.strip()
    if kind != "address":
        return [value]
    each = [part.strip() for part in value.split(",")]
    bare = [_PORT.sub("", part).strip("[]") if part.count(":") == 1 or "]" in part else part for part in each]
    return [value, *each, *bare]


def leaves(value: object, fractions: bool = False) -> Iterator[str]:
    """All strings, and whole numbers as text (with `fractions` all numbers), at any depth."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item, fractions)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, fractions)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, (int, float) if fractions else int) and not isinstance(value, bool):
        yield str(value)
