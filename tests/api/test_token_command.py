"""`token` and `basic_data check`."""

import io
import re

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from psynetdata.models import ApiToken, Audit
from psynetdata.psynet.problems import NotFound, Problem, UsageError
from psynetdata.sheets import Experiment, Trial
from psynetdata.sheets.basic_data import experiment

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture(autouse=True)
def own_experiments(monkeypatch):
    monkeypatch.setattr(experiment, "_experiments", {})


def said(*arguments, **options) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_a_token_is_the_last_word_and_works(loaded, person):
    deployment = loaded("timeline")
    loaded("custom_table_simple")
    person("view_identified", name="ada")
    words = said("token", "ada", "--name", "R", "--identified", "--deployment", deployment.deployment_id, "--days", "3")
    token = words.split()[-1]
    row = ApiToken.find(token)
    assert (row.user.username, row.name, row.identified, row.deployments) == ("ada", "R", True, [deployment.number])
    assert re.search(r"expires 20\d\d-\d\d-\d\d", words)
    assert token not in str(list(Audit.objects.values()))
    client = APIClient(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/basic_data/participant/?limit=1&face=identified").status_code == 200


def test_whom_it_refuses(loaded, person):
    person(name="ada")
    for problem, arguments in (
        (NotFound, ("nobody",)),
        (UsageError, ("ada", "--identified")),
        (UsageError, ("ada", "--days", "0")),
        (NotFound, ("ada", "--deployment", "other")),
    ):
        with pytest.raises(problem):
            said("token", *arguments)
    assert ApiToken.objects.count() == 0


def test_check_says_rows_and_time_on_both_faces(loaded):
    deployment = loaded("static")

    class Exp(Experiment):
        deployment_id = deployment.deployment_id

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            return {"trial": [{"id": trial.id} for trial in Trial.query], "none": []}

    words = said("basic_data", "check")
    assert re.search(r"identified: trial: 130 rows, none: 0 rows, [\d,]+ bytes as JSON, \d+\.\d\d s", words)
    assert "anonymous: trial: 130 rows" in words


def test_check_says_what_is_wrong(loaded):
    deployment = loaded("static")
    with pytest.raises(NotFound, match="No class in BASIC_DATA_MODULES serves"):
        said("basic_data", "check", "--deployment", deployment.deployment_id)

    class Exp(Experiment):
        deployment_id = deployment.deployment_id

        @classmethod
        def get_basic_data(cls, **kwargs):
            raise KeyError("worker-123456")

    with pytest.raises(
        Problem, match=r"raised KeyError on the identified face, in test_token_command.py, line \d+"
    ) as error:
        said("basic_data", "check")
    assert "worker-123456" not in error.value.sentence
