"""Which class serves which deployment, and modules that cannot be imported."""

import sys

import pytest
from django.core.checks import run_checks

from psynetdata.faces import IDENTIFIED
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, UsageError
from psynetdata.sheets import Experiment, Trial, basic_data_for, compute_basic_data
from psynetdata.sheets.basic_data.modules import BrokenModule

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)


@pytest.fixture
def deployment():
    return Deployment.objects.create(deployment_id="demo__launch=1", label="Demo")


@pytest.fixture
def lab(tmp_path, monkeypatch, settings):
    """lab(name, text) writes a module and lists it in BASIC_DATA_MODULES."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
        settings.BASIC_DATA_MODULES = [*settings.BASIC_DATA_MODULES, name]

    return write


def ours():
    return [error.msg for error in run_checks() if (error.id or "").startswith("psynetdata.")]


def test_by_id_before_by_label(deployment):
    assert basic_data_for(deployment) is None
    assert compute_basic_data(deployment, using=IDENTIFIED, context="route") is None

    class Lab(Experiment):
        """What several experiments share serves none of them."""

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            return [cls.__name__]

    class ByLabel(Lab):
        label = "Demo"

    assert basic_data_for(deployment) is ByLabel

    class ById(ByLabel):
        deployment_id = "demo__launch=1"

    assert basic_data_for(deployment) is ById
    assert compute_basic_data(deployment, using=IDENTIFIED, context="route") == ["ById"]
    deployment.deployment_id = "demo__launch=2"
    assert basic_data_for(deployment) is ByLabel


def test_a_class_without_the_method_serves_nothing(deployment):
    class Exp(Experiment):
        label = "Demo"

    assert basic_data_for(deployment) is None


def test_two_are_one_too_many(deployment):
    class One(Experiment):
        label = "Demo"

        @classmethod
        def get_basic_data(cls, **kwargs):
            return []

    class Two(One):
        label = "Demo"

    with pytest.raises(Conflict, match=r"One and .*Two both serve label 'Demo'"):
        basic_data_for(deployment)
    assert [sentence for sentence in ours() if "both serve label 'Demo'" in sentence]


def test_a_module_of_the_lab_s_is_imported_when_it_is_needed(deployment, lab):
    lab(
        "lab_one",
        "from psynetdata.sheets import Experiment\n"
        "class Exp(Experiment):\n    label = 'Demo'\n    get_basic_data = classmethod(lambda cls, **kwargs: [])\n",
    )
    assert basic_data_for(deployment).__module__ == "lab_one"
    assert ours() == []


@pytest.mark.parametrize(
    ("text", "word"), [("import no_such_thing", "ModuleNotFoundError"), ("1/0", "ZeroDivisionError"), ("def", "Syntax")]
)
def test_a_broken_module_is_a_sentence(deployment, lab, text, word):
    lab("lab_broken", text)
    (sentence,) = ours()
    assert sentence.startswith(f"The module lab_broken of BASIC_DATA_MODULES cannot be imported ({word}")
    with pytest.raises(BrokenModule, match="lab_broken"):
        basic_data_for(deployment)


def test_what_is_passed_on(deployment):
    got = {}

    class Exp(Experiment):
        label = "Demo"

        @classmethod
        def get_basic_data(cls, context=None, **kwargs):
            got.update(context=context, **kwargs)

    compute_basic_data(deployment, using=IDENTIFIED, context="export", anonymize=True)
    assert got == {"context": "export", "anonymize": True}
    got.clear()
    compute_basic_data(deployment, using=IDENTIFIED, context="route", sheet="trial")
    assert got == {"context": "route", "sheet": "trial"}


def test_a_method_that_takes_less(deployment):
    class Exp(Experiment):
        label = "Demo"

        @classmethod
        def get_basic_data(cls, sheet="trial"):
            return [sheet]

    assert compute_basic_data(deployment, using=IDENTIFIED, context="export", anonymize=False) == ["trial"]
    assert compute_basic_data(deployment, using=IDENTIFIED, context="route", sheet="x") == ["x"]
    with pytest.raises(UsageError, match="has no parameter colour"):
        compute_basic_data(deployment, using=IDENTIFIED, context="route", colour="red")


def test_what_is_still_to_be_read_is_read_within_the_scope(loaded):
    class Exp(Experiment):
        deployment_id = "static-experiment-demo__mode=debug__launch=2026-11-22--08-12-41"

        @classmethod
        def get_basic_data(cls, **kwargs):
            return {"rows": Trial.query.filter(id__lt=3), "ids": (row.id for row in Trial.query.filter(id__lt=3))}

    found = compute_basic_data(loaded("static"), using=IDENTIFIED, context="route")
    assert [row.id for row in found["rows"]] == found["ids"] == [1, 2]
    with pytest.raises(RuntimeError):
        Trial.query  # noqa: B018
