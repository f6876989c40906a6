"""Dates of birth in free text: a date beside a word that says so, in several languages. A year alone stays.

Texts are skeletons (see skeleton.py), so words have no accents.
"""

import re
from collections.abc import Iterator

_WORD = re.compile(
    r"(?<![a-z])(?:born|birth[a-z]*|b-day|bday|d\.?o\.?b|geboren[a-z]*|geb\.|geburts[a-z]*|nee? le|naissance|naci"
    r"|nacid[oa]|nacimiento|cumpleanos|nat[oa] il|nascita|geboorte[a-z]*|verjaardag|nasci|nascid[oa]|nascimento"
    r"|urodz[a-z]*|f.?dd|f.?dt|f.dselsda[a-z]*|syntym[a-z]*)(?![a-z])|рожд|родил|生日|出生|誕生日|生年月日"
)
_MONTH = (
    "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mai|okt|dez|janv|fevr|mars|avr|juin|juil|aout|ene|abr|ago|dic|gen"
    "|mag|giu|lug|set|ott|mei|maa|maart|dezember|fev|out|sty|lut|kwi|maj|cze|lip|sie|wrz|paz|lis|gru)[a-z]{0,9}"
)
_DATE = re.compile(
    r"(?<!\d)(?:\d{1,2} ?[./-] ?\d{1,2} ?[./-] ?(?:\d\d){1,2}|\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{8}"
    r"|\d{4} ?年 ?\d{1,2} ?月 ?\d{1,2} ?日"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.|o)? (?:of |de |d')?{_MONTH}\.?,? (?:de |del |of )?\d{{4}}"
    rf"|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?!\d)"
)
# How far the word may be from the date, and how long it may be.
_NEAR, _LONGEST = 40, 20
_BETWEEN = re.compile(r"[^\d!?\n]*")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each date of birth in a skeleton."""
    for match in _DATE.finditer(text):
        start, end = match.span()
        if _is_said_before(text, start) or _is_said_after(text, end):
            yield start, end


def _is_said_before(text: str, start: int) -> bool:
    """Return whether the word is before a date in the same sentence, without another number between them."""
    words = _WORD.finditer(text, max(0, start - _NEAR - _LONGEST), start)
    return any(start - word.end() <= _NEAR and _BETWEEN.fullmatch(text, word.end(), start) for word in words)


def _is_said_after(text: str, end: int) -> bool:
    word = _WORD.search(text, end, end + _NEAR)
    return word is not None and _BETWEEN.fullmatch(text, end, word.start()) is not None
