"""Postal addresses in free text, in German, English, French, Dutch, Spanish and Italian.

A street with a number counts if a postcode follows, or beside a word that says so. Texts are skeletons (see
skeleton.py), so words have no accents.
"""

import re
from collections.abc import Iterator

_WORDS = r"(?:[a-z0-9ßøæœ.'-]+ ){0,4}?"
_HOUSE = r"\d{1,4} ?[a-h]?(?:[-/]\d{1,3})?(?![a-z0-9])"
_ONE_WORD = "stra(?:ss|ß)e|str\\.|gasse|allee|platz|damm|ufer|chaussee|straat|laan|plein|gracht|kade|steenweg"
_FRENCH = "rue|avenue|av\\.|boulevard|bd\\.?|place|chemin|allee|impasse|quai|route|cours|square"
_ROMANCE = "calle|c/|avenida|avda\\.?|av\\.|paseo|plaza|carrer|rua|via|viale|piazza|corso|largo|vicolo"
_ENGLISH = (
    "street|st\\.?|road|rd\\.?|avenue|ave\\.?|lane|ln\\.?|drive|dr\\.?|court|close|way|terrace|crescent|gardens"
    "|boulevard|blvd\\.?|parkway"
)
_STREETS = (
    rf"[a-zßøæ.-]{{0,40}}(?:(?:{_ONE_WORD})|(?:[a-z]{{3,20}}| )(?:weg|ring|dijk|hof|singel|markt)),? {_HOUSE}",
    rf"{_HOUSE},? (?:bis |ter )?(?:{_FRENCH}) {_WORDS}[a-z'-]+",
    rf"(?:{_ROMANCE}) ?{_WORDS}[a-z'.-]+,? (?:n\.?[o°]?\.? ?)?{_HOUSE}",
    rf"\d{{1,5}}[a-h]? {_WORDS}(?:{_ENGLISH})(?![a-z])",
    r"(?:p\.?o\.? box|postfach|postbus|apartado(?: de correos)?) \d[\d ]{0,7}",
)
_STREET = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(_STREETS)})")
# British, Dutch, Canadian, American with its state; others have four or five digits, and a city or a comma.
_POSTCODE = (
    r"(?:[ ,;\n-]+(?:[a-z]{1,2}\d[a-z0-9]? ?\d[a-z]{2}|\d{4} ?[a-z]{2}(?![a-z])|[a-z]\d[a-z] ?\d[a-z]\d"
    r"|[a-z]{2} \d{5}(?:-\d{4})?|(?:[a-z]{1,2}-)?\d{4,5} [a-z])|[,;\n-] ?(?:[a-z]{1,2}-)?\d{5}(?!\d))"
)
_AFTER = re.compile(rf"(?:[ ,;\n-]+[a-z'.-]+){{0,4}}?{_POSTCODE}[a-zßøæ'-]*")
_BEFORE = re.compile(
    r"(?<![a-z])(?:live|living|lives|address|adresse|anschrift|wohne|wohnhaft|habite|domicile|direccion|domicilio|vivo"
    r"|indirizzo|abito|woon|adres)(?![a-z])[^\d\n]{0,25}$"
)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each address in a skeleton, up to its postcode."""
    for match in _STREET.finditer(text):
        after = _AFTER.match(text, match.end())
        if after:
            yield match.start(), after.end()
        elif _BEFORE.search(text[max(0, match.start() - 40) : match.start()]):
            yield match.span()
