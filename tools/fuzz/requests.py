"""Every operation of the API with whatever its schema allows and does not, as three kinds of people."""

import time
from collections.abc import Iterator
from contextlib import suppress

from .limits import SECONDS, Score

_RIGHTS = {"viewer": (), "officer": ("view_identified", "export_anonymous", "export_regular", "change_deployment")}


def tokens() -> dict[str, str | None]:
    """Create people; return {role: token}."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission

    from psynetdata.models import ApiToken

    found: dict[str, str | None] = {"anonymous": None}
    for role, rights in _RIGHTS.items():
        user = get_user_model().objects.create_user(f"fuzz-{role}")
        user.user_permissions.add(*Permission.objects.filter(codename__in=("view_deployment", *rights)))
        found[role] = ApiToken.issue(user, identified=bool(rights))[1]
    return found


def warm_up() -> None:
    """Let hypothesis read our source for constants: the first time this takes 210 MB, which no request needs."""
    import hypothesis

    @hypothesis.settings(max_examples=1, database=None)
    @hypothesis.given(hypothesis.strategies.text())
    def ask(text):
        pass

    ask()


def fuzz_requests(inputs: int, seed: int) -> Iterator[Score]:
    """Yield one Score for each role."""
    import schemathesis

    from psynetdata.wsgi import application

    people = tokens()
    schema = schemathesis.openapi.from_wsgi(
        "/api/schema/?format=json", application, headers={"Authorization": f"Token {people['officer']}"}
    )
    operations = [found.ok() for found in schema.get_all_operations()]
    each = max(1, inputs // (len(operations) * len(people)))
    for role, token in people.items():
        score = Score(f"requests, {role}")
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Token {token}"} if token else {})
        for operation in operations:
            _ask(operation, headers, each, seed, score)
        yield score


def _ask(operation, headers: dict[str, str], examples: int, seed: int, score: Score) -> None:
    import hypothesis
    from schemathesis import GenerationMode

    quiet = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, phases=(hypothesis.Phase.generate,), **quiet)
    @hypothesis.given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def ask(case):
        began = time.monotonic()
        answer = case.call(headers=headers)
        took = time.monotonic() - began
        score.inputs += 1
        score.slowest = max(score.slowest, took)
        score.answers[str(answer.status_code)] += 1
        where = f"{case.method} {case.formatted_path} {str(case.query)[:150]} {str(case.body)[:150]}"
        if answer.status_code == 500 or b"Traceback" in answer.content:
            score.fail(f"{answer.status_code}: {where}")
        if took > SECONDS:
            score.fail(f"{took:.1f} s: {where}")

    with suppress(hypothesis.errors.Unsatisfiable):  # an operation without parameters has nothing that could be wrong
        ask()
