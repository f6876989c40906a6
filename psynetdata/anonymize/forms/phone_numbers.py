"""Phone numbers in free text. Most runs of digits there are data: what is not certain counts only beside a word.

A number counts with `+` or `00` and a country's code; with the 0 that long-distance numbers begin with, if it is valid
in one of many countries; and any valid number beside a word such as `phone`. Texts are skeletons (see skeleton.py).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import phonenumbers

# Countries whose numbers begin with a 0 when they are written without the country's code.
_WITH_ZERO = frozenset(
    ("DE", "FR", "GB", "NL", "BE", "AT", "CH", "SE", "FI", "IE", "AU", "NZ", "JP", "KR", "TR", "ZA", "IL", "IT")
)
_OTHERS = frozenset(
    ("US", "ES", "PT", "PL", "DK", "NO", "CZ", "GR", "HU", "RU", "CN", "IN", "BR", "MX", "AR", "CO", "CL", "SG")
)
_LEAST, _MOST = 7, 15
# Digits without anything between them are more often something else.
_LEAST_ALONE = 9
# A number is not the rest of a word, of a decimal or of a time.
_NUMBER = re.compile(
    r"(?:(?<=tel)|(?<![a-z0-9_/+-])(?<![0-9][.,:]))(?:\((?=\+?\d{1,5}\)))?(?:\+ ?)?"
    r"\d(?:[ ()./-]{0,3}\d){6,18}(?![a-z0-9_]|[.,:-]\d)"
)
# Groups as they are written in Germany and Britain, and the 3-3-4 groups of North America.
_GROUPED = re.compile(
    r"0\d{2,5}(?:[ /-]\d{2,8}){1,4}|0\d{9,11}|\(\d{2,5}\)[ ./-]?\d{2,4}(?:[ ./-]?\d{2,5}){1,3}"
    r"|(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}"
)
_DATE = re.compile(r"(?<![\d./-])(?:\d{1,2}([./-])\d{1,2}\1(?:\d\d){1,2}|\d{4}([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)")
_WORD = re.compile(
    r"(?:(?<![a-z])(?:tel|tele?(?:ph|f)on[a-z]*|telefoon[a-z]*|phone[a-z]*|cell|cell ?phone|celular|cellulare"
    r"|mobil[a-z]*|mobiel|handy[a-z]*|rufnummer|ruf|portable|movil|telemovel|komorka|whats ?app|sms|gsm|fax|call"
    r"|(?:text|ring|reach) me|appelez|llamame|chiamami|bel|anrufen|ligue)(?![a-z])"
    r"|电话|手机|電話|携帯|телефон|тел\.)[^\d\n]{0,25}$"
)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each phone number in a skeleton."""
    for match in _NUMBER.finditer(text):
        if _is_phone(match.group(), text[max(0, match.start() - 45) : match.start()]):
            yield match.span()


def _is_phone(written: str, before: str) -> bool:
    digits = re.sub(r"\D", "", written)
    if not _LEAST <= len(digits) <= _MOST or _DATE.search(written):
        return False
    if written.startswith(("+", "(+")) or digits.startswith("00"):
        return len(digits) > _LEAST and _is_possible(digits.removeprefix("00"))
    if len(digits) > _LEAST and _GROUPED.fullmatch(written):
        return True
    if digits == written and len(digits) < _LEAST_ALONE:
        return False
    if not _is_written_as_one(written):
        return False
    if digits[0] == "0" and _is_valid(digits, _WITH_ZERO):
        return True
    return _WORD.search(before) is not None and _is_valid(digits, _WITH_ZERO | _OTHERS)


def _is_written_as_one(written: str) -> bool:
    """Return whether the groups are those of one number: not `0.52 0.71`, `0 1 2 3 4 5 6` or `01 02 03 04 05`."""
    groups = re.findall(r"\d+", written)
    if ("." in written and " " in written) or sum(len(group) == 1 for group in groups) > 1:
        return False
    steps = {int(after) - int(group) for group, after in pairwise(groups)}
    return len(groups) < 3 or len(steps) > 1


@lru_cache(maxsize=10_000)
def _is_possible(digits: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(maxsize=10_000)
def _is_valid(digits: str, regions: frozenset[str]) -> bool:
    for region in regions:
        try:
            if phonenumbers.is_valid_number_for_region(phonenumbers.parse(digits, region), region):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False
