"""What a name says: values of identity are withheld until someone decides, special categories are marked."""

import csv
import json

import pytest

from psynetdata.anonymize.policy import key_names
from psynetdata.anonymize.policy.rules import Policy, Rule
from psynetdata.anonymize.rows.options import Options
from psynetdata.anonymize.text import named_values

from .conftest import Anonymized, Tables
from .test_survey import surveyed

IDENTITY = [
    *("phone", "homePhone", "PHONE_NUMBER", "Phone 2", "full_name", "fullName", "home_address", "birth_date", "dob"),
    *("dateOfBirth", "iban", "email", "E-Mail", "e_mail_2", "address", "nickname", "your nickname?"),
    *("Telefonnummer", "Anschrift", "Straße", "Geburtsdatum", "prénom", "date_de_naissance", "correo", "apellidos"),
    *(
        "codice_fiscale",
        "cognome",
        "voornaam",
        "geboortedatum",
        "endereço",
        "sobrenome",
        "doğum_tarihi",
        "DOGUM TARIHI",
    ),
    *("xingming", "shouji_haoma", "电话", "您的姓名", "denwa_bango", "メールアドレス", "ご住所"),
]
DATA = [
    *(
        "microphone",
        "headphone",
        "headphone_trial",
        "asset",
        "name",
        "stimulus_name",
        "file_name",
        "ip_address",
        "hotel",
    ),
    *(
        "phoneme",
        "telephonist",
        "emailed",
        "chip",
        "recipe",
        "email_sent",
        "description",
        "mailbox",
        "birthrate",
        "nominal",
    ),
]


@pytest.mark.parametrize("name", IDENTITY)
def test_these_names_say_identity(name):
    assert key_names.is_identity(name)


@pytest.mark.parametrize("name", DATA)
def test_these_do_not(name):
    assert not key_names.is_identity(name)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("hearing_loss", "Gesundheit", "enfermedad", "病史", "shogai"), "special_category"),
        (("ethnicity", "ethnische_herkunft", "raça", "minzu"), "special_category"),
        (("religion", "konfession", "dini inanç", "宗教"), "special_category"),
        (("political_opinion", "parteiPräferenz", "opinion politique", "支持政党"), "special_category"),
        (("trade_union", "gewerkschaft", "syndicat", "sendika"), "special_category"),
        (("sexual_orientation", "sexuelleOrientierung", "orientación sexual"), "special_category"),
        (("biometric_template", "voiceprint", "biométrie", "声纹"), "special_category"),
        (("household_income", "Einkommen", "salario", "年収"), "sensitive"),
        (("orientation", "union", "race", "party_size", "trace", "vote", "left_right"), None),
    ],
)
def test_special_categories_and_income(names, kind):
    assert {key_names.special_kind(name) for name in names} == {kind}


def test_no_line_of_the_lists_is_there_twice_and_each_says_why():
    for path, fields in ((key_names.WITHHELD_NAMES, ("effect", "reason")), (key_names.SPECIAL_NAMES, ("category",))):
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        assert len({line["name"] for line in lines}) == len(lines)
        assert all(line[field] for line in lines for field in ("name", "language", *fields))
        assert {line["language"] for line in lines} >= {"en", "de", "fr", "es", "it", "nl", "pt", "tr", "zh", "ja"}
    assert {line["article_9"] for line in lines if line["category"] == "income"} == {"no"}
    assert {line["article_9"] for line in lines if line["category"] != "income"} == {"yes"}


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"phone": "06 12 34", "microphone": 1.0}, {"phone": None, "microphone": 1.0}),
        ({"a": [{"b": {"email": ["x", {"y": 1}]}, "c": 2}]}, {"a": [{"b": {"email": None}, "c": 2}]}),
        ({"dob": 19990101, "email": True, "iban": None}, {"dob": None, "email": True, "iban": None}),
        ({"prénom": "Zoë", "电话": 1}, {"prénom": None, "电话": None}),
        ({"said": "my phone: 3", "list": ["phone", "iban"]}, {"said": "my phone: 3", "list": ["phone", "iban"]}),
        ({"a": json.dumps({"b": json.dumps({"tél": "06"})})}, {"a": json.dumps({"b": json.dumps({"tél": None})})}),
    ],
)
def test_values_at_any_depth(value, left):
    for escaped in (True, False):
        text = json.dumps(value, ensure_ascii=escaped)
        assert json.loads(named_values.withheld(text)) == left
        assert (named_values.withheld(text) is text) == (value == left)


def test_what_is_not_json_stays():
    for text in ('{"phone": 3', "phone", '"phone"', "", '{"phone": 3} and more'):
        assert named_values.withheld(text) == text


PHONE, NAME = "+44 20 7946 0999", "Rosalind Okonkwo-Smythe"
PERSON = {"phone": PHONE, "score": 3, "contact": [{"full_name": NAME, "rank": 1}], "microphone": "USB"}


def planted() -> Tables:
    text = json.dumps(PERSON)
    return Tables(
        participant=[{"id": "1", "vars": text, "answer": text, "answer_accumulators": json.dumps([{"phone": PHONE}])}],
        response=[
            {"id": "1", "participant_id": "1", "question": "phone", "answer": json.dumps(PHONE)},
            {"id": "2", "participant_id": "1", "question": "about", "answer": text},
            {"id": "3", "participant_id": "1", "question": "microphone", "answer": '"USB"'},
        ],
        info=[{"id": "1", "type": "e.Mine", "answer": text, "definition": text, "vars": text, "details": text}],
        node=[{"id": "1", "type": "e.N", "definition": text, "seed": text, "context": text, "details": text}],
        question=[{"id": "1", "response": text, "details": "{}"}],
        people=[
            {"id": "1", "phone": PHONE, "birth_date": "1990-01-02", "data": text, "name": "stimulus 4", "score": "7"}
        ],
    )


@pytest.mark.parametrize("level", ["shared", "open"])
def test_nothing_under_such_a_name_leaves_undecided(level):
    found = Anonymized(planted(), level=level)
    left = json.dumps(found.after)
    assert PHONE not in left
    assert NAME not in left
    assert "1990-01-02" not in left
    assert {"phone", "birth_date"} <= found.withheld["people"]
    numbers_only = json.dumps(Anonymized(planted(), level=level, options=Options(drop_text=True)).after)
    assert PHONE not in numbers_only


def test_the_rest_leaves_for_a_colleague():
    after = Anonymized(planted()).after
    less = PERSON | {"phone": None, "contact": [{"full_name": None, "rank": 1}]}
    for cell in (
        after["participant"][0]["vars"],
        after["participant"][0]["answer"],
        *(after["info"][0][name] for name in ("answer", "definition", "vars", "details")),
        *(after["node"][0][name] for name in ("definition", "seed", "context", "details")),
        after["response"][1]["answer"],
        after["question"][0]["response"],
        after["people"][0]["data"],
    ):
        assert json.loads(cell) == less
    assert [row["answer"] for row in after["response"]][::2] == [None, '"USB"']
    assert (after["people"][0]["name"], after["people"][0]["score"]) == ("stimulus 4", "7")


def test_the_list_of_what_is_undecided_has_them_and_proposes_to_withhold():
    found = Anonymized(planted())
    shapes = surveyed(planted()).found
    counted = {
        tuple(each[name] for name in ("table", "column", "selector")) for each in found.anonymizer.report()["undecided"]
    }
    assert counted == shapes.keys()
    for place, name in (
        (("people", "phone", ""), "phone"),
        (("participant", "vars", "phone"), "phone"),
        (("response", "answer", "phone"), "phone"),
        (("response", "answer", "about"), "about"),
        (("participant", "vars", "contact"), "contact"),
    ):
        assert shapes[place].proposal(name) == {"shared": "drop", "open": "drop", "kind": "free_text"}
    assert "keys whose names say identity" in shapes["response", "answer", "about"].words()


@pytest.mark.parametrize("action", ["keep", "scrub"])
def test_a_decision_opens_it(action):
    rules = [
        Rule(*place, action, "drop", "choice", "x")
        for place in (("people", "phone", ""), ("participant", "vars", "phone"), ("response", "answer", "about"))
    ]
    after = Anonymized(planted(), policy=Policy.load().extended(rules)).after
    assert after["people"][0]["phone"] == PHONE
    assert json.loads(after["participant"][0]["vars"])["phone"] == PHONE
    assert json.loads(after["response"][1]["answer"]) == PERSON
    assert json.loads(after["info"][0]["answer"])["phone"] is None


def test_copies_of_an_answer_whose_question_says_identity():
    tables = Tables(
        participant=[{"id": "1", "answer": f'"{NAME}"', "answer_accumulators": json.dumps([{"full_name": NAME}])}],
        response=[{"id": "1", "participant_id": "1", "question": "full_name", "answer": f'"{NAME}"'}],
        info=[{"id": "1", "type": "e.A", "response_id": "1", "answer": f'"{NAME}"', "details": "{}"}],
    )
    assert NAME not in json.dumps(Anonymized(tables).after)


def test_special_categories_are_named_where_they_leave():
    text = json.dumps({"religion": "x", "household_income": 3, "age": 4})
    tables = Tables(
        participant=[{"id": "1", "vars": text, "details": "{}"}],
        response=[
            {"id": str(n), "question": question, "answer": '"x"'}
            for n, question in enumerate(
                ("hearing_loss", "household_income_per_year", "politische Einstellung", "colour")
            )
        ],
        people=[{"id": "1", "ethnicity": "x", "salary": "3", "union": "x"}],
    )
    shared = Anonymized(tables).anonymizer.report()
    assert shared["special_categories"] == [
        "participant.vars religion",
        "people.ethnicity",
        "response.answer hearing_loss",
        "response.answer politische Einstellung",
    ]
    assert shared["sensitive"] == [
        "participant.vars household_income",
        "people.salary",
        "response.answer household_income_per_year",
    ]
    for_a_repository = Anonymized(tables, level="open").anonymizer.report()
    assert (for_a_repository["special_categories"], for_a_repository["sensitive"]) == ([], [])
    proposals = {place: shape.proposal(place[2] or place[1]) for place, shape in surveyed(tables).found.items()}
    assert proposals["participant", "vars", "religion"]["kind"] == "special_category"
    assert proposals["participant", "vars", "household_income"]["kind"] == "sensitive"
    assert {each["open"] for each in proposals.values() if each["kind"] in ("special_category", "sensitive")} == {
        "drop"
    }


def test_special_categories_below_a_key_are_named_too():
    below = json.dumps({"about": [{"religion": "x", "salary": 3}], "colour": "red"})
    tables = Tables(
        participant=[{"id": "1", "vars": json.dumps({"form": json.loads(below)}), "details": "{}"}],
        response=[{"id": "1", "question": "form", "answer": below}],
    )
    shared = Anonymized(tables).anonymizer.report()
    assert shared["special_categories"] == ["participant.vars form.religion", "response.answer form.religion"]
    assert shared["sensitive"] == ["participant.vars form.salary", "response.answer form.salary"]
    for_a_repository = Anonymized(tables, level="open").anonymizer.report()
    assert (for_a_repository["special_categories"], for_a_repository["sensitive"]) == ([], [])
