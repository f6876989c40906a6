"""Finds ids, secrets and paths inside values of any shape. Each yields (value, kind of identifiers.KINDS)."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from psynetdata.anonymize.forms import encodings, id_names
from psynetdata.anonymize.forms.emails import EMAIL
from psynetdata.psynet import jsontext
from psynetdata.psynet.wordlists.exemptions import SCRUB, limit
from psynetdata.psynet.wordlists.identity_names import ENDING, HANDED_OVER, identity_names

Found = Iterable[tuple[str, str]]

# Keys that recruiters pass on next to ids, lower case, without punctuation. Elsewhere they are data (a stimulus name).
_HANDED_OVER = {name.replace("_", ""): kind for name, kind in identity_names(HANDED_OVER).items()}
# In entry information any key that ends like this may name a person or a session.
_ENDINGS = tuple(identity_names(ENDING))
SECRET_KEY = re.compile(r"password|secret|token|api_?key|access_key|credential|dashboard_user|username", re.IGNORECASE)
_PORT = re.compile(r"(?<=[\d\]]):\d+$")
# Shorter values of a configuration (`???`) are not secrets.
_SHORTEST_SECRET = 4
_SHORTEST_LINK_SECRET = 6
_SHORTEST_LOGIN = limit("login_length", SCRUB)
_LONGEST_ID = 400
_PARAMETER = re.compile(
    r"(?:password|passwd|secret|token|api_?key|signature|dashboard_user)(?:=|%3d)([^&\s\"'<>\\#]+)", re.IGNORECASE
)
_LOGIN = re.compile(r"://([^/\s:@\"'<>]*):([^/\s@\"'<>]+)@")


def handed_over(value: object) -> Found:
    """Yield values under a name of identity in the data that a recruiter passes on, including names of people."""
    yield from under_id_keys(value, _HANDED_OVER)


def under_id_keys(value: object, more: dict[str, str] | None = None) -> Found:
    """Yield values under a name of identity (see id_names), in any casing, at any depth, in query strings too."""
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
    elif isinstance(value, str) and "=" in value:
        for name, item in _parameters(value):
            if kind := id_names.kind_of(name):
                yield item, kind


def _parameters(text: str) -> list[tuple[str, str]]:
    """Return (name, value) of a URL's parameters or of cookies (`a=1; b=2`); none if it is a sentence."""
    text = text.replace("; ", ";")
    return [] if " " in text else parse_qsl(text.rpartition("?")[2].replace(";", "&"))


def ids_in_text(text: str) -> Found:
    """Yield values under a name of identity in a cell that holds JSON or other text."""
    if id_names.may_hold(text):
        yield from ((leaf, kind) for leaf, kind in under_id_keys(jsontext.read(text)) if len(leaf) <= _LONGEST_ID)


def entries(value: object) -> Iterator[tuple[str, bool]]:
    """Yield (value, whether its key may name a person) of everything that a recruiter passed on."""
    for key, item in _keyed(value):
        telling = "".join(filter(str.isalnum, key.casefold())).endswith(_ENDINGS)
        yield from ((leaf, telling) for leaf in leaves(item))


def _keyed(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield (nearest key above it, item) for every item that is not a dictionary or list."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _keyed(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _keyed(item, key)
    else:
        yield key, value


def links(text: str) -> Found:
    """Yield secrets in addresses and query strings anywhere in a text: `?token=…`, `https://user:password@host`."""
    if "\\u" in text and (value := jsontext.decode(text)) is not jsontext.MISSING:
        yield from _links("\n".join(leaves(value)))
    yield from _links(text)


def _links(text: str) -> Found:
    if "=" in text or "%3" in text:
        for value in _PARAMETER.findall(text):
            values = {value, value.partition(";")[0]}
            values |= set(map(unquote, values))
            yield from ((each, "secret") for each in values if len(each) >= _SHORTEST_LINK_SECRET)
    if "://" in text and "@" in text:
        for login in _LOGIN.findall(text):
            yield from ((each, "secret") for each in login if len(each.encode("utf-8", "replace")) >= _SHORTEST_LOGIN)


def in_configuration(value: object) -> Found:
    """Yield a configuration's secrets: under keys such as `password`, and in the query and user part of addresses."""
    for key, text in _keyed(value):
        if not isinstance(text, str) or not text:
            continue
        if SECRET_KEY.search(key):
            yield from ((text, "secret"),) if len(text) >= _SHORTEST_SECRET else ()
        elif key == "experimenter_name":
            yield text, "name"
        elif EMAIL.fullmatch(text):
            yield text, "email"
        elif "://" in text:
            yield from _in_url(text)


def _in_url(text: str) -> Found:
    try:
        url = urlsplit(text)
    except ValueError:
        return
    secrets = [value for key, value in parse_qsl(url.query) if SECRET_KEY.search(key)]
    for value in (*secrets, url.username, url.password):
        if value and len(value) >= _SHORTEST_SECRET:
            yield value, "secret"


def paths(text: str) -> Found:
    """Yield absolute paths on a machine, which can contain a user's name: an asset's source, or the storage's root.

    See psynet.asset, LocalStorage.root. A relative path is the experimenter's name for a stimulus.
    """
    value = jsontext.decode(text)
    root = value.get("root") if isinstance(value, dict) else text
    if isinstance(root, str) and root.count("/") >= 2 and (root[0] in "/~" or root[1:2] == ":"):
        yield root, "path"


def emails(text: str) -> Found:
    """Yield e-mail addresses that someone typed; they may occur elsewhere too, such as in a chain's next stimulus."""
    if "@" in text or "u0040" in text:
        value = jsontext.decode(text)
        plain = text if value is jsontext.MISSING else "\n".join(leaves(value))
        for layer in (plain, *encodings.texts(plain)):
            yield from ((match, "email") for match in EMAIL.findall(layer))


def searchable_parts(value: str, kind: str) -> list[str]:
    """Return the parts of an X-Forwarded-For list, each also without its port; other values unchanged."""
    value = value.strip()
    if kind != "address":
        return [value]
    each = [part.strip() for part in value.split(",")]
    bare = [_PORT.sub("", part).strip("[]") if part.count(":") == 1 or "]" in part else part for part in each]
    return [value, *each, *bare]


def leaves(value: object, fractions: bool = False) -> Iterator[str]:
    """Yield all strings, and whole numbers as text (with `fractions`: all numbers), at any depth."""
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
