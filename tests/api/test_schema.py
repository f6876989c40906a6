"""The schema is whole, and what the API answers to whatever it allows stands in it."""

import pytest
from django.core.management import call_command

from psynetdata.wsgi import application
from tests.budget import NIGHTLY

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

# Whether an unknown parameter is refused is a matter of the deployment's own method at some addresses.
WANTED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
EXAMPLES = 60 if NIGHTLY else 6


def test_the_schema_is_complete(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_no_500_and_no_answer_that_is_not_in_the_schema(loaded, officer):
    # Loading them takes seconds; at the top every worker would.
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import CHECKS

    quiet = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
    loaded("static")
    headers = {"Authorization": f"Token {officer.token}", "Accept-Encoding": "identity"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application, headers=headers)
    checks = CHECKS.get_by_names(WANTED)
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=EXAMPLES, **quiet)
        @given(case=operation.as_strategy())
        def ask(case):
            answer = case.call(headers=headers)
            asked.append(answer.status_code)
            case.validate_response(answer, checks=checks)

        ask()
    assert len(asked) > 100
    assert {200, 400, 404} <= set(asked)
