"""Numbers of bank accounts (IBAN, ISO 13616) and of payment cards (ISO/IEC 7812), known by their check digits.

Texts are skeletons (see skeleton.py).
"""

import re
from collections.abc import Iterator

# How many characters an IBAN has, by country.
_LENGTHS = {
    **dict.fromkeys(("no",), 15),
    **dict.fromkeys(("be",), 16),
    **dict.fromkeys(("dk", "fi", "nl"), 18),
    **dict.fromkeys(("mk", "si"), 19),
    **dict.fromkeys(("at", "ba", "ee", "lt", "lu", "xk"), 20),
    **dict.fromkeys(("ch", "hr", "li", "lv"), 21),
    **dict.fromkeys(("bg", "de", "gb", "ge", "ie", "me", "rs"), 22),
    **dict.fromkeys(("ae", "gi", "il"), 23),
    **dict.fromkeys(("ad", "cz", "es", "md", "pk", "ro", "sa", "se", "sk", "tn"), 24),
    **dict.fromkeys(("pt",), 25),
    **dict.fromkeys(("is", "tr"), 26),
    **dict.fromkeys(("fr", "gr", "it", "mc", "sm"), 27),
    **dict.fromkeys(("al", "az", "cy", "hu", "lb", "pl"), 28),
    **dict.fromkeys(("br", "qa", "ua"), 29),
    **dict.fromkeys(("jo", "kw", "mu"), 30),
    **dict.fromkeys(("mt",), 31),
}
_IBAN = re.compile(r"(?<![a-z0-9])([a-z]{2})\d\d(?:[ -]?[a-z0-9]){11,27}")
_CARD = re.compile(
    r"(?<![\w/+-])(?<![0-9][.,:])"
    r"(?:[3-6]\d{14,18}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}|3[47]\d\d([ -])\d{6}\2\d{5})(?!\w|[.,:-]\d)"
)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each IBAN and card number in a skeleton."""
    for match in _IBAN.finditer(text):
        end = _after(text, match.start(), _LENGTHS.get(match[1], 0))
        if end and not text[end : end + 1].isalnum() and _is_iban(re.sub("[ -]", "", text[match.start() : end])):
            yield match.start(), end
    for match in _CARD.finditer(text):
        if _has_luhn_digit(re.sub("[ -]", "", match.group())):
            yield match.span()


def _after(text: str, start: int, length: int) -> int:
    """Return where a piece of so many letters and digits ends that begins at `start`; 0 if there is none."""
    if not length:
        return 0
    match = re.compile(rf"[a-z0-9](?:[ -]?[a-z0-9]){{{length - 1}}}").match(text, start)
    return match.end() if match else 0


def _is_iban(iban: str) -> bool:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def _has_luhn_digit(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0
