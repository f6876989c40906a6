"""Runs a deployment's get_basic_data on one face of its data."""

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

# PsyNet's words for the caller: the URL, an export, its backup every minute, its monitor.
CONTEXTS = ("route", "export", "backup", "monitor")
_FRAMES = 30  # the last calls of a traceback, in the log
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class MethodFailed(Problem):
    """An experimenter's get_basic_data failed. The sentence omits the error's message, which may quote a row."""

    status = 500

    def __init__(self, experiment: type[Experiment], error: BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [frame for frame in frames if frame.filename == inspect.getfile(experiment)] or frames
        place = f" in {Path(theirs[-1].filename).name}, line {theirs[-1].lineno}" if theirs else ""
        super().__init__(f"The deployment's get_basic_data failed with a {type(error).__name__}{place}.")
        # For the log: where it happened, without the error message and the source lines.
        calls = (f"  {frame.filename}, line {frame.lineno}, in {frame.name}" for frame in frames[-_FRAMES:])
        self.trace = "\n".join([*calls, type(error).__name__])


class MethodTookTooLong(Problem):
    status = 500

    def __init__(self, seconds: int):
        super().__init__(
            f"The deployment's get_basic_data was stopped after {seconds} seconds; make it faster, or increase "
            "BASIC_DATA_SECONDS."
        )


def basic_data_for(deployment: Deployment) -> type[Experiment] | None:
    """Return the experimenter's class that serves the deployment, or None.

    Raises BrokenModule if one of the modules cannot be imported, Conflict if two classes serve the deployment.
    """
    modules.load()
    return experiment_for(deployment)


def compute_basic_data(
    deployment: Deployment, *, using: str, context: str, anonymize: bool | None = None, **kwargs
) -> Any:
    """Return the result of get_basic_data, or None if the deployment has no such method.

    `using`: the face (database alias) it sees. `context`: one of CONTEXTS. `anonymize` is passed on if it is
    not None. `kwargs`: query parameters. Raises DataError if the method does, UsageError for parameters that
    it does not accept, MethodTookTooLong, and any other exception of the experimenter's code.
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
    """Call the method. Our own arguments are left out if it does not accept them; unknown parameters are errors."""
    parameters = inspect.signature(method).parameters
    # A bound method's own `cls` is not one of its parameters, and must not be passed twice.
    own = inspect.signature(getattr(method, "__func__", method)).parameters.keys() - parameters.keys()
    if strange := sorted(asked.keys() & own):
        raise _no_parameter(strange)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        ours = {name: value for name, value in ours.items() if name in parameters}
        if strange := sorted(asked.keys() - parameters.keys()):
            raise _no_parameter(strange)
    arguments = {**asked, **ours}
    needed = [one.name for one in parameters.values() if one.default is one.empty and one.kind in _NAMED]
    if missing := [name for name in needed if name not in arguments]:
        raise UsageError(f"This deployment's basic data needs the parameter {', '.join(missing)}.")
    return method(**arguments)


def _no_parameter(names: list[str]) -> UsageError:
    return UsageError(f"This deployment's basic data has no parameter {', '.join(names)[:100]}.")


def _settled(result: Any) -> Any:
    """Read querysets and generators while the scope is active."""
    if isinstance(result, QuerySet | Iterator):
        return list(result)
    if isinstance(result, dict):
        return {
            name: list(value) if isinstance(value, QuerySet | Iterator) else value for name, value in result.items()
        }
    return result
