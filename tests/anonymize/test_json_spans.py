import json

import pytest

from psynetdata.anonymize.text import json_spans

GOOD = ['{"a": 1, "b\\"": [1, {"c": "}"}], "": null}', ' { "x" : NaN ,"y":-1.50e3 } ', "{}", '{"a":{"a":{}}}']
BAD = ["", "{", '{"a"}', '{"a": }', '{"a": 1', '{"a": 1} x', "[1]", "1", '{"a" 1}', "{1: 2}", '{"a": 1 "b": 2}', "text"]
BAD += ['{"a": 1}x']


@pytest.mark.parametrize("text", GOOD)
def test_members_are_where_they_say(text):
    found = json_spans.members(text)
    rebuilt = {each.key: json.loads(text[slice(*each.value_span)]) for each in found}
    assert json.dumps(rebuilt) == json.dumps(json.loads(text))
    assert [json.loads(text[slice(*each.key_span)]) for each in found] == list(rebuilt)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_object_has_no_members(text):
    assert json_spans.members(text) is None


def test_splice_changes_spans_only():
    text = '{"a": 1.0, "b": NaN}'
    first, second = json_spans.members(text)
    assert json_spans.splice(text, [(first.value_span, "null"), (second.key_span, '"c"')]) == '{"a": null, "c": NaN}'


def test_strings_are_rewritten_and_keys_are_told_apart():
    seen = []

    def change(value: str, is_key: bool) -> str:
        seen.append((value, is_key))
        return value.upper()

    text = '{"k" : "v\\n", "é": ["x", "A"], "n": 1.0}'
    assert json_spans.rewrite_strings(text, change) == '{"K" : "V\\n", "É": ["X", "A"], "N": 1.0}'
    assert seen == [("k", True), ("v\n", False), ("é", True), ("x", False), ("A", False), ("n", True)]


def test_a_rewritten_string_is_escaped_as_its_neighbour_was():
    assert json_spans.rewrite_strings('["a"]', lambda value, is_key: "ü") == '["\\u00fc"]'
    assert json_spans.rewrite_strings('["ä"]', lambda value, is_key: "ü") == '["ü"]'


def test_very_deep_nesting_is_no_crash():
    assert json_spans.members('{"a": ' + "[" * 100_000) is None
    assert not json_spans.is_json("[" * 100_000)
