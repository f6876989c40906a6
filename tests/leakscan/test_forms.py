"""The byte patterns of one value."""

import pytest

from exports.leakscan.encodings import forms


@pytest.mark.parametrize("value", ["Zoë Öz", "日本語文 ëÖ"])
def test_letters_beyond_ascii_in_every_mixture_of_cases(value):
    rest = value.lower().replace("ë", "{}").replace("ö", "{}")
    patterns = forms.patterns(value)
    for letters in ("ëö", "ëÖ", "Ëö", "ËÖ"):
        assert rest.format(*letters).encode() in patterns
