"""What the name of a column, a question or a key says about its values: withheld_names.csv and special_names.csv.

A name is compared by whole words: `phoneNumber`, `home_phone` and `Phone 2` have the word phone, `headphone` and
`microphone` do not. Words that follow each other count together (`date_of_birth`, `dateOfBirth`, `dateofbirth`). Case
and accents do not matter. Chinese and Japanese names are found anywhere in a word, because nothing separates their
words.
"""

import csv
import hashlib
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

WITHHELD_NAMES = Path(__file__).with_name("withheld_names.csv")
SPECIAL_NAMES = Path(__file__).with_name("special_names.csv")
# withhold: values are withheld until someone decides.  propose: the survey proposes it.  never: these words do not say
# who someone is, although a part of them would.
EFFECTS = WITHHOLD, PROPOSE, NEVER = ("withhold", "propose", "never")
# Kinds of rules. Article 9 of the GDPR lists special categories; income is sensitive too, but is not among them.
SPECIAL, SENSITIVE = "special_category", "sensitive"
_LONGEST = 200
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[a-z]")


@lru_cache(maxsize=50_000)
def is_identity(name: str) -> bool:
    """Return whether values under this name are withheld until someone decides."""
    return WITHHOLD in _effects(name)


@lru_cache(maxsize=5_000)
def may_be_identity(name: str) -> bool:
    """Return whether the survey should propose to withhold text under this name."""
    return bool({WITHHOLD, PROPOSE} & _effects(name))


@lru_cache(maxsize=50_000)
def special_kind(name: str) -> str | None:
    """Return SPECIAL or SENSITIVE if the name says so, such as `religion` or `household_income`; else None."""
    kinds = {kind for _, kind in _in_words(name, _special())}
    return SPECIAL if SPECIAL in kinds else SENSITIVE if kinds else None


@cache
def sha256() -> str:
    """Return a hash of both lists."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in (WITHHELD_NAMES, SPECIAL_NAMES))).hexdigest()


def words(name: str) -> list[str]:
    """Return the words of a name, in lower case and without accents."""
    return [_folded(word) for word in _WORD.findall(_CAMEL.sub(" ", unicodedata.normalize("NFKC", name)))]


def _effects(name: str) -> set[str]:
    spans = _in_words(name, _withheld())
    never = [span for span, effect in spans if effect == NEVER]
    return {effect for (start, end), effect in spans if not any(a <= start and end <= b for a, b in never)}


def _in_words(name: str, known: "_Names") -> list[tuple[tuple[int, int], str]]:
    """Return ((first word, word after the last), what the list says) of every known name in a name."""
    of_name = words(name[:_LONGEST])
    spans = []
    for start in range(len(of_name)):
        joined = ""
        for end in range(start, min(start + known.longest, len(of_name))):
            joined += of_name[end]
            if (says := known.latin.get(joined)) is not None:
                spans.append(((start, end + 1), says))
        if not of_name[start].isascii():
            spans += [((start, start + 1), says) for part, says in known.others.items() if part in of_name[start]]
    return spans


class _Names:
    """A list: `latin` {joined words: what it says}, `others` the same in scripts without spaces between words."""

    def __init__(self, path: Path, says: "dict[str, str] | None", column: str):
        self.latin: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.longest = 1
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                of_line = words(line["name"])
                joined = "".join(of_line)
                into = self.latin if _LATIN.search(joined) else self.others
                into.setdefault(joined, says[line[column]] if says else line[column])
                self.longest = max(self.longest, len(of_line))


@cache
def _withheld() -> _Names:
    return _Names(WITHHELD_NAMES, {effect: effect for effect in EFFECTS}, "effect")


@cache
def _special() -> _Names:
    return _Names(SPECIAL_NAMES, {"yes": SPECIAL, "no": SENSITIVE}, "article_9")


@lru_cache(maxsize=50_000)
def _folded(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i"))
    # Marks of Japanese kana are part of the letter.
    return "".join(each for each in apart if not unicodedata.combining(each) or each in "\u3099\u309a")
