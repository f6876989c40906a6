"""How an identifier may be looked for: its length and shape decide how sure a match is.

- ANYWHERE: 8 characters or more (digits only: 10 or more), wherever they stand;
- TOKEN: 6 and 7 characters (digits only: 6 to 9), where no letter or digit touches them;
- WHOLE: shorter ones and common words, only where they are the whole value.

Labs use ids such as `1` and `P01`: those are data in most places where they occur.
"""

from functools import cache

from ..psynet.tables import known_tables

ANYWHERE, TOKEN, WHOLE, NEVER = "anywhere", "token", "whole", "never"

# What stands in id and address columns without naming anyone.
_NOBODY = """
    none null nan true false unknown undefined anonymous test tests testing tester debug generic local localhost
    sandbox live 127.0.0.1 0.0.0.0 ::1 :: - ? ??? n/a na participant worker assignment admin user guest default dev
    prolific mturk lucid hotair bot bots psynet dallinger dallinger_experiment experiment removed address email phone
"""


@cache
def common_words() -> frozenset[str]:
    """Words that are never replaced inside a text: placeholders, and the names of PsyNet's tables and columns."""
    tables = known_tables()
    names = {*tables, *(column for columns in tables.values() for column in columns)}
    return frozenset({*_NOBODY.split(), *(name.casefold() for name in names)})


def strength(value: str) -> str:
    """ANYWHERE, TOKEN, WHOLE, or NEVER for what names nobody."""
    folded = value.strip().casefold()
    if not folded or folded in common_words():
        return NEVER
    if folded.isdigit():
        return ANYWHERE if len(folded) >= 10 else TOKEN if len(folded) >= 6 else WHOLE
    return ANYWHERE if len(folded) >= 8 else TOKEN if len(folded) >= 6 else WHOLE


def fold(text: str) -> str:
    """Lower case of exactly the same length, so that places found in it hold for the text itself.

    `İ` has two characters in lower case; half of a surrogate pair cannot be searched.
    """
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    if not lower.isascii() and any("\ud800" <= character <= "\udfff" for character in lower):
        lower = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in lower)
    return lower
