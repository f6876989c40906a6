import html
import json
from urllib.parse import quote

import pytest

from psynetdata.anonymize.forms import encodings

TEXT = 'Zoë said "hi" & left'


@pytest.mark.parametrize(
    "written",
    [
        quote(TEXT),
        quote(quote(TEXT)),
        html.escape(TEXT),
        "".join(f"&#x{ord(character):x};" for character in TEXT),
        json.dumps(TEXT)[1:-1],
        json.dumps(json.dumps(json.dumps(TEXT)))[1:-1].strip('\\"'),
        TEXT.replace('"', '""'),
    ],
)
def test_what_is_found_in_a_layer_leads_back_to_where_it_stood(written):
    text = f"100% of {written}; \\d"
    for layer in encodings.layers(text):
        place = layer.text.find(TEXT)
        if place >= 0:
            start, end = layer.span(place, place + len(TEXT))
            assert (text[:start], text[end:]) == ("100% of ", "; \\d")
            break
    else:
        pytest.fail("no layer holds the text")
    assert any(TEXT in plain for plain in encodings.texts(text))


@pytest.mark.parametrize("text", ["", "plain words", "50% & more", "ends with \\", "%zz &nosuchthing;"])
def test_text_that_is_not_encoded_has_no_layer(text):
    assert [layer.text for layer in encodings.layers(text) if "nosuchthing" not in text] == []


def test_escapes_that_never_end_do():
    assert len(encodings.texts("\\" * 5_000)) <= encodings.MOST


def test_a_pair_of_surrogates_is_one_letter():
    assert set(encodings.texts("\\ud83e\\udd8a")) == {"🦊"}
