"""`class Exp(Experiment)`: an experimenter's basic data, found by label or deployment_id."""

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from psynetdata.models import Deployment
from psynetdata.psynet.problems import Conflict, Problem


class DataError(Problem, ValueError):
    """What get_basic_data raises when it cannot give what was asked for; the API answers 400 with its text."""

    def __init__(self, sentence: str = "Invalid sheet parameter"):
        super().__init__(str(sentence))


class Experiment:
    """Subclass it with `label` (PsyNet's) or `deployment_id`, and write `get_basic_data` as in PsyNet.

    `sheets` may list the values of `sheet` that the method knows, for the answer to a wrong one.
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
        """A list of dictionaries, a dictionary of such lists or of pandas DataFrames, or None for nothing.

        `context` is `route` at the API and `export` in exports, which also pass `anonymize`; `kwargs`
        are the query parameters of the address, as texts.
        """
        return None

    @classmethod
    def source_hash(cls) -> str:
        """Names the code behind it: the class, and the text of its module's file."""
        return _source_hash(inspect.getfile(cls), f"{cls.__module__}.{cls.__qualname__}")


@cache
def _source_hash(file: str, name: str) -> str:
    """Read once, like the module itself."""
    return hashlib.sha256(name.encode() + b"\0" + Path(file).read_bytes()).hexdigest()


_experiments: dict[tuple[str, str], type[Experiment]] = {}


def registered() -> list[type[Experiment]]:
    """Classes with a get_basic_data of their own; without one there is nothing to serve."""
    inherited = Experiment.get_basic_data.__func__
    return [cls for cls in _experiments.values() if getattr(cls.get_basic_data, "__func__", None) is not inherited]


def experiment_for(deployment: Deployment) -> type[Experiment] | None:
    """The class that serves the deployment: one that names its id, else one that names its label.

    Raises Conflict where two do.
    """
    for name, value in (("deployment_id", deployment.deployment_id), ("label", deployment.label)):
        found = [cls for cls in registered() if value and cls.__dict__.get(name) == value]
        if len(found) > 1:
            raise Conflict(twice(name, value, found))
        if found:
            return found[0]
    return None


def claimed_twice() -> list[str]:
    """A sentence for each label or deployment_id that two classes claim."""
    sentences = []
    for name in ("deployment_id", "label"):
        for value in dict.fromkeys(cls.__dict__.get(name) for cls in registered()):
            found = [cls for cls in registered() if value and cls.__dict__.get(name) == value]
            if len(found) > 1:
                sentences.append(twice(name, value, found))
    return sentences


def twice(name: str, value: str, found: list[type[Experiment]]) -> str:
    classes = " and ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in found)
    return f"{classes} both serve {name} {value!r}; one deployment has one get_basic_data, so change one of them."
