"""A changed rule never goes unnoticed by the faces that an older one filled; a changed comment rebuilds nothing."""

import json

from psynetdata.anonymize.policy.rules import Policy

from . import golden
from .conftest import Anonymized, reference


def test_what_comes_out_changes_with_the_version_only(references):
    recorded = json.loads(golden.FILE.read_text())
    assert golden.rules().items() <= recorded.items(), "run: python -m tests.anonymize.golden"
    outputs = golden.outputs(references)
    changed = golden.changed(outputs, {name: recorded["outputs"][name] for name in outputs})
    assert changed == [], "raise VERSION in psynetdata/anonymize/ruleset.py, then run: python -m tests.anonymize.golden"


def test_a_changed_rule_is_seen():
    recorded = json.loads(golden.FILE.read_text())["outputs"]["static shared"]
    withholding = Anonymized(reference("static"), policy=Policy.load().withholding())
    assert "static shared: info" in golden.changed(
        {"static shared": golden.digests(withholding)}, {"static shared": recorded}
    )
