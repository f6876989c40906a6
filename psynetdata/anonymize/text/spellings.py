"""The spellings of an identifier that are searched for in folded text; all else is decoded (see encodings.py)."""

import html
import json
import re
import unicodedata
from urllib.parse import unquote

from psynetdata.anonymize.forms import encodings
from psynetdata.anonymize.forms.skeleton import skeleton
from psynetdata.anonymize.forms.strength import ANYWHERE, TOKEN, fold, strength

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def forms_of(value: str, sure: str) -> set[str]:
    """Return the folded spellings of a value: in JSON, composed, decomposed, decoded, without hyphens, its skeleton."""
    spelled = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
    if sure in (ANYWHERE, TOKEN):
        spelled |= {json.dumps(text)[1:-1] for text in spelled} | {html.unescape(unquote(value))}
        spelled.update(encodings.texts(value))
        if _UUID.fullmatch(value):
            spelled.add(value.replace("-", ""))
        if " " in value:
            spelled.add(value.replace(" ", "+"))
    least = min(6, len(value))
    kept = {fold(text.strip()) for text in spelled if len(text.strip()) >= least}
    if strength(plain := skeleton(value)) in (ANYWHERE, TOKEN):
        kept.add(plain)
    return kept | {fold(value)}
