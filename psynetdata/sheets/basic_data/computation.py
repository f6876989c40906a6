"""Running a deployment's get_basic_data over one face of its data."""

import inspect
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from psynetdata.faces import reading
from psynetdata.models import Deployment
from psynetdata.psynet.problems import Problem, UsageError

from . import modules
from .experiment import Experiment, experiment_for
from .scope import scope
from .time_limit import TookTooLong, time_limit

# PsyNet's words for what asks: the address, an export, its minute backup, its monitor.
CONTEXTS = ("route", "export", "backup", "monitor")
_FRAMES = 30  # the last calls of a traceback, in the log
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class MethodFailed(Problem):
    """An experimenter's get_basic_data failed; said without the error's own words, which may quote a row."""

    status = 500

    def __init__(self, experiment: type[Experiment], error: BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [frame for frame in frames if frame.filename == inspect.getfile(experiment)] or frames
        place = f" in {Path(theirs[-1].filename).name}, line {theirs[-1].lineno}" if theirs else ""
        super().__init__(f"The deployment's get_basic_data failed with a {type(error).__name__}{place}.")
        # For the log: where it happened, without what it said or what stands in the lines.
        calls = (f"  {frame.filename}, line {frame.lineno}, in {frame.name}" for frame in frames[-_FRAMES:])
        self.trace = "\n".join([*calls, type(error).__name__])


class MethodTookTooLong(Problem):
    status = 500

    def __init__(self, seconds: int):
        super().__init__(
            f"The deployment's get_basic_data was ended after {seconds} seconds; let it do less, or raise "
            "BASIC_DATA_SECONDS."
        )


def basic_data_for(deployment: Deployment) -> type[Experiment] | None:
    """The experimenter's class that serves the deployment, if there is one.

    Raises BrokenModule where a module of theirs cannot be imported, Conflict where two classes would serve.
    """
    modules.load()
    return experiment_for(deployment)


def compute_basic_data(
    deployment: Deployment, *, using: str, context: str, anonymize: bool | None = None, **kwargs
) -> Any:
    """What get_basic_data returns: None where nobody wrote one.

    `using`: the face (database alias) it sees. `context`: one of CONTEXTS. `anonymize` is passed on where it is
    not None. `kwargs`: query parameters. Raises DataError when the method does, UsageError for parameters that
    it does not take, MethodTookTooLong, and whatever else the experimenter's code raises.
    """
    experiment = basic_data_for(deployment)
    if experiment is None:
        return None
    ours = {"context": context} | ({} if anonymize is None else {"anonymize": anonymize})
    seconds = settings.BASIC_DATA_SECONDS
    with reading(using), scope(deployment, using):
        try:
            with time_limit(seconds, using):
                return _settled(_call(experiment.get_basic_data, ours, kwargs))
        except TookTooLong:
            raise MethodTookTooLong(seconds) from None


def _call(method: Callable, ours: dict[str, Any], asked: dict[str, Any]) -> Any:
    """Call with what the method takes: our own arguments quietly left out, unknown ones of the caller's refused."""
    parameters = inspect.signature(method).parameters
    # A bound method's own `cls` is none of its parameters, and cannot be given twice.
    own = inspect.signature(getattr(method, "__func__", method)).parameters.keys() - parameters.keys()
    if strange := sorted(asked.keys() & own):
        raise _no_parameter(strange)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        ours = {name: value for name, value in ours.items() if name in parameters}
        if strange := sorted(asked.keys() - parameters.keys()):
            raise _no_parameter(strange)
    given = {**asked, **ours}
    needed = [one.name for one in parameters.values() if one.default is one.empty and one.kind in _NAMED]
    if missing := [name for name in needed if name not in given]:
        raise UsageError(f"This deployment's basic data needs the parameter {', '.join(missing)}.")
    return method(**given)


def _no_parameter(names: list[str]) -> UsageError:
    return UsageError(f"This deployment's basic data takes no parameter {', '.join(names)[:100]}.")


def _settled(found: Any) -> Any:
    """Read what is still to be read (querysets, generators) while the scope holds."""
    if isinstance(found, QuerySet | Iterator):
        return list(found)
    if isinstance(found, dict):
        return {name: list(value) if isinstance(value, QuerySet | Iterator) else value for name, value in found.items()}
    return found
