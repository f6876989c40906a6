"""Patterns for what free text may hold next to known identifiers: contact data, accounts, birth dates, ids.

They run on free-text selectors only: elsewhere they would destroy data. They are strict, so that dates, times,
decimals, scores and version numbers stay. What is found and what is not: tests/anonymize/personal_data.csv.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from . import accounts, birth_dates, emails, encodings, id_names, phone_numbers, postal_addresses
from .strength import fold

_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_FEWEST_GROUPS = 3
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
# Prolific: 24 hexadecimal digits; MTurk: A and 12 to 14 capitals and digits (a worker), 3… of 30 (a HIT).
_RECRUITER_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{24}|A(?=[A-Z]*\d)[0-9A-Z]{12,14}|3[0-9A-Z]{29})(?![0-9A-Za-z])"
)
_UUID = r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}"
_WHOLE_UUID = re.compile(_UUID, re.IGNORECASE)
_NAMED_UUID = re.compile(
    r"(?:worker|participant|subject|user|respondent|panelist|prolific|mturk|person|session|submission|assignment|study"
    r"|member|account|client|customer|student|patient|visitor|device|unique|rid|pid|psid)[_ -]?(?:p?id|uuid|key|code|nr"
    rf"|number|token)?(?: is| was)?[\"' :=]{{1,4}}({_UUID})(?![0-9a-z])",
    re.IGNORECASE,
)
_REMOVED = "[removed]"
# Two digits, or something like an address or an id; JSON's escapes may be anything.
_MAY = re.compile(
    r"\d[^\d]?\d|@|\uff20|::|[0-9a-f]:|\d(?:, ?)?[a-z]|\\u"
    r"| (?:at|arroba|klammeraffe|apenstaartje|chiocciola) |[\[({<] ?(?:at|ät|arroba|chez) ?[\])}>]",
    re.IGNORECASE,
)
# Seven digits that are near each other: less is no number of a phone, an account or a card.
_SEVEN_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
_ACCOUNT_SIGN = re.compile(r"[a-z]{2}\d\d[ -]?[a-z0-9]{4}|\d{4}")

Finder = Callable[[str], Iterable[tuple[int, int]]]


def may_hold(text: str) -> bool:
    """A cheap check of a cell: False means that `replace` would change nothing in it."""
    return _MAY.search(text) is not None


def replace(text: str) -> str:
    """Return the text with all matches replaced by a word in brackets that says what was there."""
    if not may_hold(text):
        return text
    text = emails.EMAIL.sub("[email]", text)
    text = _IPV4.sub(_address, text)
    text = _IPV6.sub(_address, text)
    text = _RECRUITER_ID.sub(_REMOVED, text)
    text = _NAMED_UUID.sub(lambda match: match.group().replace(match[1], _REMOVED), text)
    for word, finder in _finders(text):
        text = _without(text, word, finder)
    return text


def under_names(text: str) -> str:
    """Return JSON text without UUIDs under names of identity."""
    return id_names.in_json(text, lambda value: _REMOVED if _WHOLE_UUID.fullmatch(value) else None)


def _finders(text: str) -> Iterator[tuple[str, Finder]]:
    """Yield (word, finder) for what the text may hold."""
    yield "[email]", emails.hidden
    if not any(map(str.isdigit, text)):
        return
    if _ACCOUNT_SIGN.search(text.lower()) or not text.isascii():
        yield "[account]", accounts.spans
    yield "[date]", birth_dates.spans
    yield "[address]", postal_addresses.spans
    if _SEVEN_DIGITS.search(text):
        yield "[phone]", phone_numbers.spans


def _without(text: str, word: str, finder: Finder) -> str:
    """Return the text with what the finder finds in its skeleton replaced by the word."""
    if text.isascii():
        found = list(finder(text.lower()))
    else:
        plain = encodings.plainly(encodings.whole(text))
        found = [plain.span(start, end) for start, end in finder(fold(plain.text))]
    for start, end in reversed(found):
        text = text[:start] + word + text[end:]
    return text


def _address(match: re.Match[str]) -> str:
    written = match.group()
    if ":" in written and len(written.replace("::", ":").strip(":").split(":")) < _FEWEST_GROUPS:
        return written  # `::` in a program, not an address that says where someone is
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return written
    return "[address]"
