"""The reviewed lists: complete lines, and both sides use what they list."""

import pytest

from exports.leakscan.needles import identity_names as scan_names
from exports.leakscan.needles import strength as scan_strength
from exports.leakscan.needles.needle import Needles
from psynetdata.anonymize.forms import id_names
from psynetdata.anonymize.forms.strength import NAMED, NEVER, strength
from psynetdata.anonymize.identifiers.identifiers import KINDS
from psynetdata.psynet.wordlists import exemptions, identity_names
from psynetdata.psynet.wordlists.exemptions import BOTH, SCAN, SCRUB
from psynetdata.psynet.wordlists.identity_names import ANYWHERE


def test_each_line_has_a_reason_and_is_there_once():
    for lines, keys in ((exemptions.lines(), ("kind", "value")), (identity_names.lines(), ("name", "scope"))):
        assert [line for line in lines if not line["reason"].strip()] == []
        assert len({tuple(line[key] for key in keys) for line in lines}) == len(lines)


def test_every_kind_of_exemption_is_explained_and_used():
    assert {line["kind"] for line in exemptions.lines()} == set(exemptions.KINDS)
    assert [kind for kind in exemptions.KINDS if f"| `{kind}` |" not in exemptions.__doc__] == []


def test_both_sides_exempt_what_the_list_says():
    for line in exemptions.lines():
        value, sides = line["value"], {SCRUB, SCAN} if line["side"] == BOTH else {line["side"]}
        if line["kind"] == "word":
            assert (strength(value) in (NAMED, NEVER)) == (SCRUB in sides)
            assert (scan_strength.classify(value) == scan_strength.NAMED) == (SCAN in sides)
        if line["kind"] in ("nothing", "hash"):
            needles = Needles()
            needles.add(value, "worker_id")
            assert len(needles) == 0
            assert strength(value) == NEVER or line["kind"] == "hash"


@pytest.mark.parametrize("value", ["3.14", "1e5", "-7", "2026-11-22 07:58", "07:58:54.1", "v1.2", "127.0.0.1", "::1"])
def test_both_sides_know_the_shapes(value):
    assert strength(value) == NAMED
    assert scan_strength.classify(value) == scan_strength.NAMED


def test_both_sides_know_each_name_of_identity_in_any_spelling():
    for name, kind in identity_names.identity_names(ANYWHERE).items():
        assert kind in KINDS
        for spelled in (name, name.upper(), name.replace("_", "-"), name.title().replace("_", "")):
            assert id_names.kind_of(spelled) == kind
            assert scan_names.kind_of(spelled)
            assert id_names.may_hold(f'{{"{spelled}": 4}}')
            assert any(marker in spelled.lower() for marker in scan_names.MARKERS)


def test_a_number_has_one_line_for_a_side():
    assert exemptions.limit("people", SCRUB) == exemptions.limit("people", SCAN)
    with pytest.raises(ValueError, match="unpack"):
        exemptions.limit("word", SCAN)
