"""Hexadecimal among numbers with as many digits, and hashes that begin like a number."""

import hashlib
import random

import pytest

from exports.leakscan.search.matcher import Matcher
from exports.leakscan.search.views import search

from .samples import ENGINES, needles

# The first 16 digits of its SHA-256 have no letter.
NO_LETTER = "lena-k-216"
# The first 16 digits of its MD5 have one letter.
ONE_LETTER = "lena-k-298"


def numbers(count: int, seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return b",".join(str(rng.random()).encode() for _ in range(count))


def found(matcher: Matcher, data: bytes) -> list[tuple[str, bytes]]:
    return [(hit.form, data[hit.start : hit.end]) for hit in search(data, matcher)]


@pytest.mark.parametrize("around", [0, 3, 3000])
@pytest.mark.parametrize("before", [b"", b"3", b"7f2"])
def test_encoded_text_among_numbers(around, before):
    matcher = Matcher(needles(worker_id="k3j9x2-17"))
    written = b"k3j9x2-17".hex().encode()
    data = numbers(around) + b" " + before + written + b" " + numbers(around, 2)
    assert found(matcher, data) == [("hex", written)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("around", [0, 3000])
@pytest.mark.parametrize(
    ("value", "algorithm"), [(NO_LETTER, "sha256"), (ONE_LETTER, "md5"), ("k3j9x2-17", "sha512"), ("k3j9x2", "sha1")]
)
def test_hashes_among_numbers(engine, around, value, algorithm):
    matcher = Matcher(needles(worker_id=value), engine)
    digest = hashlib.new(algorithm, value.encode()).hexdigest().encode()
    for written in (digest, digest[:16], digest[:21]):
        data = numbers(around) + b" 00" + written + b"x " + numbers(around, 2)
        assert found(matcher, data) == [(algorithm, written)]
        assert found(matcher, data.replace(written, written[:15])) == []


def test_text_in_hexadecimal_is_searched_in_every_form():
    matcher = Matcher(needles(worker_id="anna-lena 4711"))
    written = b"id=anna%2Dlena%204711&x=1".hex().encode()
    assert found(matcher, numbers(3000) + b"," + written) == [("hex", written[6:-8])]
    utf16 = "anna-lena 4711".encode("utf-16-le").hex().encode()
    assert len(found(matcher, b"see " + utf16 + b" " + numbers(3))) == 1


def test_digits_of_several_numbers_are_not_one_text():
    matcher = Matcher(needles(worker_id="wwwwwwww"))
    assert found(matcher, b"7777777777777 77777777777777.777777777777777 " * 400) == []
    assert found(matcher, b"7777777777777777.") == [("hex", b"7777777777777777")]
