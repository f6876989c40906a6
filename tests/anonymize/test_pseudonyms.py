import re

import pytest

from psynetdata.anonymize.text.pseudonyms import Pseudonyms, new_key
from psynetdata.psynet.problems import Problem

KEY = bytes(range(32))


def test_keyed_by_value_and_stable():
    # Fixed for ever: a changed construction would break every link between exports.
    assert Pseudonyms(KEY).pseudonym("149d439536b3216fdaeeb975") == "p_zbnbs5i43frhothntywa"
    assert Pseudonyms(KEY).pseudonym("x") == Pseudonyms(KEY).pseudonym("x") != Pseudonyms(new_key()).pseudonym("x")


def test_shape():
    text = Pseudonyms(KEY).pseudonym("someone")
    assert re.fullmatch(r"p_[a-z2-7]{20}", text)


def test_empty_stays_empty():
    assert Pseudonyms(KEY).pseudonym("") == ""


def test_parts_of_a_unique_id_join():
    names = Pseudonyms(KEY)
    assert names.pseudonym("w:a") == f"{names.pseudonym('w')}:{names.pseudonym('a')}"
    assert len(names.pseudonym("w:a")) <= 50
    assert re.fullmatch(r"p_[a-z2-7]{20}", names.pseudonym("2001:db8::1"))


def test_a_short_key_is_refused():
    with pytest.raises(Problem, match="16 bytes"):
        Pseudonyms(b"short")


def test_repr_shows_no_key():
    assert repr(Pseudonyms(KEY)) == "Pseudonyms(…)"
