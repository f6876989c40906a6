"""`class Exp(Experiment)`: an experimenter's basic data, assigned by label or deployment_id."""

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, Problem


class DataError(Problem, ValueError):
    """Raised by get_basic_data if it cannot return the requested data; the API answers 400 with its text."""

    def __init__(self, sentence: str = "Invalid sheet parameter"):
        super().__init__(str(sentence))


class Experiment:
    """Subclass it with `label` (PsyNet's) or `deployment_id`, and write `get_basic_data` as in PsyNet.

    `sheets` may list the values of `sheet` that the method accepts, for the error message about a wrong one.
    """

    label: ClassVar[str] = ""
    deployment_id: ClassVar[str] = ""
    sheets: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # By name, so that a module that is imported again replaces its own classes.
        _experiments[cls.__module__, cls.__qualname__] = cls

    @classmethod
    def get_basic_data(cls, context: str | None = None, **kwargs) -> Any:
        """Return a list of dictionaries, a dictionary of such lists or of pandas DataFrames, or None for no data.

        `context` is `route` in the API and `export` in exports, which also pass `anonymize`; `kwargs`
        are the query parameters of the URL, as texts.
        """
        return None

    @classmethod
    def source_hash(cls) -> str:
        """Return a hash of the code: the class's name, and the text of its module's file."""
        return _source_hash(inspect.getfile(cls), f"{cls.__module__}.{cls.__qualname__}")


@cache
def _source_hash(file: str, name: str) -> str:
    """Hash the file once: the module is imported only once too."""
    return hashlib.sha256(name.encode() + b"\0" + Path(file).read_bytes()).hexdigest()


_experiments: dict[tuple[str, str], type[Experiment]] = {}


def registered() -> list[type[Experiment]]:
    """Return the classes that define get_basic_data; others have no data."""
    inherited = Experiment.get_basic_data.__func__
    return [cls for cls in _experiments.values() if getattr(cls.get_basic_data, "__func__", None) is not inherited]


def experiment_for(deployment: Deployment) -> type[Experiment] | None:
    """Return the class that serves the deployment: the one with its id, or else the one with its label.

    Raises Conflict if there are two.
    """
    for name, value in (("deployment_id", deployment.deployment_id), ("label", deployment.label)):
        classes = [cls for cls in registered() if value and cls.__dict__.get(name) == value]
        if len(classes) > 1:
            raise Conflict(twice(name, value, classes))
        if classes:
            return classes[0]
    return None


def claimed_twice() -> list[str]:
    """Return a sentence for each label or deployment_id that two classes claim."""
    sentences = []
    for name in ("deployment_id", "label"):
        for value in dict.fromkeys(cls.__dict__.get(name) for cls in registered()):
            classes = [cls for cls in registered() if value and cls.__dict__.get(name) == value]
            if len(classes) > 1:
                sentences.append(twice(name, value, classes))
    return sentences


def twice(name: str, value: str, claimants: list[type[Experiment]]) -> str:
    classes = " and ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in claimants)
    return f"{classes} both serve {name} {value!r}; a deployment has only one get_basic_data, so change one of them."
