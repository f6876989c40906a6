"""Patterns for what free text may hold next to known identifiers: e-mail, phone numbers, addresses, recruiters' ids.

They run on free-text selectors only: elsewhere they would destroy data. They are
strict, so that dates, times, decimals and version numbers stay.
"""

import ipaddress
import re

# Letters of scripts without spaces between words are around an address, not in it: 邮箱me@x.org谢谢.
_W = "[^\\W\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
EMAIL = re.compile(rf"(?:{_W}|[.+%'-]){{1,64}}@(?:(?:{_W}|-){{1,63}}\.)+(?:{_W}|-){{2,24}}")
# Digits in groups with a leading +, 00, 0 or bracket, or the 3-3-4 groups of North America.
_PHONE = re.compile(
    r"(?<![\w.,:+-])(?:(?:\+|00)\d{1,3}[ ./-]?(?:\(\d{1,5}\)[ ./-]?)?\d{2,5}(?:[ ./-]?\d{2,5}){1,4}"
    r"|0\d{2,5}(?:[ /-]\d{2,8}){1,4}|0\d{9,11}"
    r"|\(\d{2,5}\)[ ./-]?\d{2,4}(?:[ ./-]?\d{2,5}){1,3}|\d{3}[ .-]\d{3}[ .-]\d{4})(?!\w|[.,:-]\d)"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
# Prolific: 24 hexadecimal digits; MTurk: A and 12 to 14 capitals and digits (a worker), 3… of 30 (a HIT).
_RECRUITER_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{24}|A(?=[A-Z]*\d)[0-9A-Z]{12,14}|3[0-9A-Z]{29})(?![0-9A-Za-z])"
)
_MAY = re.compile(r"@|\d[\d ./()-]{5}|\d\.\d|::|[0-9a-fA-F]:|[0-9A-Fa-f]{13}|A[0-9A-Z]{12}")


def may_hold(text: str) -> bool:
    """A cheap check: False means that `replace` would change nothing."""
    return _MAY.search(text) is not None


def replace(text: str) -> str:
    """Return the text with all matches replaced by `[email]`, `[address]`, `[phone]` or `[removed]` (ids)."""
    if not may_hold(text):
        return text
    text = EMAIL.sub("[email]", text)
    text = _IPV4.sub(_address, text)
    text = _IPV6.sub(_address, text)
    text = _RECRUITER_ID.sub("[removed]", text)
    return _PHONE.sub(_phone, text)


def _address(match: re.Match[str]) -> str:
    try:
        ipaddress.ip_address(match.group())
    except ValueError:
        return match.group()
    return "[address]"


def _phone(match: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in match.group())
    return "[phone]" if 8 <= digits <= 15 else match.group()
