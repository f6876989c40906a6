import pytest

from psynetdata.anonymize.identifiers.identifiers import KINDS
from psynetdata.anonymize.policy.rules import ACTIONS, Policy, Rule
from psynetdata.psynet.column_roles import Role, has_role
from psynetdata.psynet.problems import BadInput
from psynetdata.psynet.tables import known_tables

HEADER = "# version 7\ntable,column,selector,shared,open,kind,reason\n"


def test_every_column_of_psynet_is_classified():
    policy = Policy.load()
    missing = [
        f"{table},{column},,drop,drop,KIND,REASON"
        for table, columns in known_tables().items()
        for column in columns
        if policy.rule(table, column) is None
    ]
    assert not missing, "lines to add to psynetdata/anonymize/policy/policy.csv:\n" + "\n".join(missing)


def test_every_line_is_about_something_and_says_why():
    tables = known_tables()
    everything = {column for columns in tables.values() for column in columns}
    for rule in Policy.load().rules:
        assert rule.column in (everything if rule.table == "*" else tables[rule.table]), rule
        assert rule.kind, rule
        assert rule.reason, rule
        assert rule.action("shared") in ACTIONS
        # Level open never gives out more than shared does.
        order = ["keep", "coarsen", "public", "scrub", "pseudonym", "drop"]
        assert order.index(rule.open) >= order.index(rule.shared) or rule.kind == "age", rule


def test_health_and_income_never_leave_for_a_repository_and_only_health_is_a_special_category():
    rules = Policy.load().rules
    special = {rule.selector for rule in rules if rule.kind == "special_category"}
    sensitive = {rule.selector for rule in rules if rule.kind == "sensitive"}
    assert {"hearing_loss", "diagnosed_with_dyslexia", "speech_language_therapy"} <= special
    assert sensitive == {"household_income_per_year", "money_from_playing_music"}
    assert {rule.open for rule in rules if rule.kind in ("special_category", "sensitive")} == {"drop"}


@pytest.mark.parametrize("column", ["parameter", "dimension_order", "vertex_id", "n_prev_reversals"])
def test_columns_that_only_some_kinds_of_trial_makers_have_are_known(column):
    tables = {table for table, columns in known_tables().items() if column in columns}
    assert tables & {"node", "network"}


def test_no_line_stands_twice():
    places = [(rule.table, rule.column, rule.selector) for rule in Policy.load().rules]
    assert len(places) == len(set(places))


def test_required_columns_that_are_withheld_have_an_empty_value():
    policy = Policy.load()
    for table, columns in known_tables().items():
        for column in columns.values():
            if column.not_null and column.type not in ("text", "varchar", "jsonb"):
                assert policy.rule(table, column.name).shared == "keep", (table, column.name)


def test_specific_before_general(tmp_path):
    path = tmp_path / "policy.csv"
    path.write_text(
        HEADER + "*,answer,,drop,drop,content,x\nresponse,answer,,scrub,drop,content,x\n"
        "response,answer,age,keep,drop,number,x\nresponse,answer,a*,drop,drop,number,x\n"
    )
    policy = Policy.load(path)
    assert policy.version == "7"
    assert policy.rule("info", "answer").shared == "drop"
    assert policy.rule("response", "answer").shared == "scrub"
    assert policy.rule("response", "answer", "age").shared == "keep"
    assert policy.rule("response", "answer", "accent").shared == "drop"
    assert policy.rule("response", "answer", "mood") is None


def test_a_decision_overrides_and_changes_the_fingerprint():
    policy = Policy.load()
    decided = policy.extended([Rule("response", "answer", "liked_experiment", "drop", "drop", "free_text", "staff")])
    assert decided.rule("response", "answer", "liked_experiment").shared == "drop"
    assert policy.rule("response", "answer", "liked_experiment").shared == "scrub"
    assert decided.sha256 != policy.sha256 == Policy.load().sha256


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("table,column\n", "does not begin with"),
        ("# version 1\ntable,column\n", "needs the columns"),
        (HEADER + "info,answer,,blur,drop,content,x\n", "unknown action for shared"),
        (HEADER + "info,answer,,coarsen,drop,content,x\n", "cannot be rounded"),
        (HEADER + "info,answer,,keep,drop\n", "does not have 7 fields"),
    ],
)
def test_a_broken_policy_is_refused(tmp_path, text, sentence):
    path = tmp_path / "policy.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        Policy.load(path)


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.PERSON, {"reference"}),
        (Role.OWNER, {"reference"}),
        (Role.MEMBER, {"reference"}),
        (Role.PERSON_ID, {*KINDS}),
        (Role.SECRET, {"secret"}),
        (Role.FILE_HASH, {"hash"}),
        (Role.OWN_WORDS, {"free_text"}),
        (Role.CODE, {"label"}),
    ],
)
def test_rules_agree_with_what_columns_mean(role, kinds):
    policy = Policy.load()
    columns = [(table, name) for table in known_tables() for name in known_tables()[table]]
    found = {policy.rule(*each).kind for each in columns if has_role(role, *each)}
    assert found
    assert found <= kinds
