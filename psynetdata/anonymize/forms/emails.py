"""E-mail addresses in free text, also those that are written to be hidden from machines: `a [at] b dot de`.

Texts are skeletons (see skeleton.py) for the hidden ones.
"""

import re
from collections.abc import Iterator

# Letters of scripts without spaces between words are around an address, not in it: 邮箱me@x.org谢谢.
_W = "[^\\W\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef]"
EMAIL = re.compile(rf"(?:{_W}|[.+%'-]){{1,64}}@(?:(?:{_W}|-){{1,63}}\.)+(?:{_W}|-){{2,24}}")
_LABEL = rf"(?:{_W}|-){{1,63}}"
_AT = r"(?:at|@|aet|arroba|chez|klammeraffe|apenstaartje|chiocciola|malpa)"
_DOT_WORD = r"(?:dot|punkt|point|punto|punt|ponto|kropka)"
_DOT = rf"(?:\.| ?[\[({{<] ?(?:{_DOT_WORD}|\.) ?[\])}}>] ?| {_DOT_WORD} )"
_NAME = rf"(?:{_W}|[+%'-]){{1,64}}(?:(?:\.|{_DOT})(?:{_W}|[+%'-]){{1,64}}){{0,3}}"
# In brackets, or as a word with a dot that is a word too: `look at example.org` is none.
# `at one point in time` and `at the dot on the left` have no address: only ends of domains that are not English words.
_SURE_DOT = r"(?:dot|punkt|punto|punt|ponto|kropka)"
_END = (
    "(?:com|org|net|edu|gov|info|mail|eu|uk|de|fr|nl|es|ch|se|dk|fi|pl|pt|cz|sk|hu|gr|ro|ru|ua|tr|il|cn|jp|kr|tw|br|mx|ar"
    "|cl|co|ca|au|nz|ie|io|ai|ac|app|dev)"
)
_WORD = "(?:at|arroba|klammeraffe|apenstaartje|chiocciola)"
_HIDDEN = re.compile(
    rf"{_NAME}(?: ?[\[({{<] ?{_AT} ?[\])}}>] ?{_LABEL}(?:{_DOT}{_LABEL}){{0,3}}{_DOT}[a-z]{{2,24}}"
    rf"| ?@ ?{_LABEL}(?:{_DOT}{_LABEL}){{0,3}}{_DOT}[a-z]{{2,24}}"
    rf"| {_WORD} {_LABEL}(?:{_DOT}{_LABEL}){{0,3}} ?[\[(]? ?{_SURE_DOT} ?[\])]? ?{_END})(?![a-z])"
)
_SIGN = re.compile(rf"@|[\[({{<] ?{_AT} ?[\])}}>]| {_WORD} ")


def hidden(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each hidden address in a skeleton."""
    if _SIGN.search(text):
        yield from (match.span() for match in _HIDDEN.finditer(text))
