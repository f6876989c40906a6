import base64
import hashlib
import json
from urllib.parse import quote

import pytest

from psynetdata.anonymize.forms import patterns
from psynetdata.anonymize.identifiers.identifiers import Identifiers
from psynetdata.anonymize.text.pseudonyms import Pseudonyms
from psynetdata.anonymize.text.scrubber import Scrubber

from .conftest import KEY

WORKER = "5f3e9a1b2c4d5e6f7a8b9c0d"
URL = "/static/assets/exp%3D1/participant_1/take__0c51341e-e8bf-4ca3-a0c2.wav"
KINDS = {
    WORKER: "worker_id",
    "Zoë Müller": "name",
    "P01": "worker_id",
    "1": "worker_id",
    "123456": "worker_id",
    "abc12x": "worker_id",
    "9876543210": "worker_id",
    "203.0.113.1": "address",
    "jane@lab.org": "email",
    URL: "asset",
    "hunter2!pw": "secret",
}
PSEUDONYM = Pseudonyms(KEY).pseudonym(WORKER)


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    return Scrubber(Identifiers(KINDS), Pseudonyms(KEY))


@pytest.mark.parametrize(
    "form",
    [
        WORKER,
        WORKER.upper(),
        "".join(f"%{ord(letter):02x}" for letter in WORKER),
        quote(quote("é " + WORKER)),
        f"worker={WORKER}&hit=1",
        f"xx{WORKER}xx",
        "".join(f"&#{ord(letter)};" for letter in WORKER),
        hashlib.md5(WORKER.encode()).hexdigest(),
        hashlib.sha256(WORKER.encode()).hexdigest().upper(),
    ],
)
def test_an_id_is_replaced_in_every_form(scrubber, form):
    for cell in (form, f"my id is {form}, ok", json.dumps({"a": [f"id {form}"]}), json.dumps({form: 1})):
        clean = scrubber.cell(cell)
        assert PSEUDONYM in clean
        assert WORKER not in clean.lower()


def test_an_id_in_base64_is_removed(scrubber):
    coded = base64.b64encode(f"id={WORKER}".encode()).decode()
    assert scrubber.cell(json.dumps({"blob": coded})) == '{"blob": "[removed]"}'


def test_json_in_json_is_rewritten(scrubber):
    inner = json.dumps({"w": WORKER, "p": "P01", "n": 1.0})
    clean = json.loads(json.loads(scrubber.cell(json.dumps({"x": inner})))["x"])
    assert clean == {"w": PSEUDONYM, "p": Pseudonyms(KEY).pseudonym("P01"), "n": 1.0}


def test_the_rest_of_a_json_text_is_byte_for_byte_the_same(scrubber):
    cell = '{"b":1.0, "a" : [NaN, 1, 12345678901234567890, 1e400, -Infinity], "s": "\\u00e9\\/ \\ud83d", "w": "%s"}'
    assert scrubber.cell(cell % WORKER) == cell % PSEUDONYM
    assert scrubber.cell(cell % "nobody") == cell % "nobody"


def test_numbers_stay(scrubber):
    for cell in (
        '{"n": [1, 12345, 1234567, 123456.5, 19876543210], "k": 0.123456}',
        "12345",
        "1",
        '{"1": 2, "q": "1"}',
    ):
        assert scrubber.cell(cell) == cell


def test_a_number_that_is_equal_to_an_id_goes(scrubber):
    name, short = (Pseudonyms(KEY).pseudonym(each) for each in ("9876543210", "123456"))
    assert scrubber.cell('{"n": [9876543210, 9876543210.5, 98765432101]}') == (
        f'{{"n": ["{name}", 9876543210.5, 98765432101]}}'
    )
    assert scrubber.cell('{"matrikelnummer": 123456, "f": 123456.0}') == (
        f'{{"matrikelnummer": "{short}", "f": "{short}"}}'
    )
    for number in ("123456", "123456.0", "1.23456e5", "1.23456E+5", "123456.00"):
        assert scrubber.cell(f"[{number}]") == f'["{short}"]'
    for text in ("123,456", "123.456", "123 456", "123\u00a0456", "123'456.0"):
        assert scrubber.cell(json.dumps(f"number {text}!")) == f'"number {short}!"'


def test_short_ids_as_whole_values_only(scrubber):
    name = Pseudonyms(KEY).pseudonym("P01")
    assert scrubber.cell('{"who": "P01", "P01": 3}') == json.dumps({"who": name, name: 3})
    assert scrubber.cell("p01") == name
    assert scrubber.cell('"see P01 and page 1"') == '"see P01 and page 1"'


def test_ids_of_six_as_whole_tokens_only(scrubber):
    id6, digits = Pseudonyms(KEY).pseudonym("abc12x"), Pseudonyms(KEY).pseudonym("123456")
    assert scrubber.cell("take_abc12x.wav xabc12x") == f"take_{id6}.wav xabc12x"
    assert scrubber.cell('"id 123456."') == f'"id {digits}."'
    for cell in ('"2026-11-22T08:12:51.123456"', '"0.123456"', '"1234567"', '"a1234560"'):
        assert scrubber.cell(cell) == cell


def test_names_with_accents_in_any_escape(scrubber):
    for cell in ('"ask Zoë Müller"', '"ask Zo\\u00eb M\\u00fcller"', "{'bad json': 'Zo\\u00eb M\\u00fcller'}"):
        clean = scrubber.cell(cell)
        assert "ller" not in clean
        assert "[removed]" in clean


def test_a_letter_that_grows_in_lower_case_moves_nothing(scrubber):
    assert scrubber.cell(f"İİİ {WORKER} İ") == f"İİİ {PSEUDONYM} İ"


def test_a_whole_url_and_a_whole_address_go(scrubber):
    assert scrubber.cell(f'"see https://host{URL}?x=1, please"') == '"see [removed], please"'
    assert scrubber.cell('"from 203.0.113.17 on"') == '"from [address] on"'


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("write to Ann.O'Neil+x@mail.example.co.uk.", "write to [email]."),
        ("call +44 (0)20 7946 0958 or 0171 2345678 or (555) 123-4567", "call [phone] or [phone] or [phone]"),
        ("I am at 198.51.100.7 and 2001:db8::7", "I am at [address] and [address]"),
        ("id 5f3e9a1b2c4d5e6f7a8b9c11 and A1B2C3D4E5F6G7", "id [removed] and [removed]"),
    ],
)
def test_free_text_loses_contact_data(scrubber, text, clean):
    assert scrubber.cell(json.dumps(text), free_text=True) == json.dumps(clean)
    assert scrubber.cell(json.dumps(text)) == json.dumps(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 08:12:49.210214",
        "2025-07-29T14:50:04.301Z",
        "0.4736842105263158",
        "-0.12345678901 1e-10 12345678",
        "Chrome 118.0.5993 on Windows",
        "08:12:49 and 10:20",
        "I saw 3 of 12, then 100 000",
        "日本語 – 50%",
        "at 5 @ noon",
    ],
)
def test_patterns_leave_data_alone(text):
    assert patterns.replace(text) == text


def test_unchanged_cells_are_the_same_object_of_text(scrubber):
    cell = '"plain \\"words\\", 50% & more\\n"'
    assert scrubber.cell(cell, free_text=True) == cell
