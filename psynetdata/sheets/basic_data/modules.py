"""The experimenters' modules listed in BASIC_DATA_MODULES, imported once when they are first needed."""

import importlib
import logging

from django.conf import settings

from psynetdata.psynet.problems import Problem

logger = logging.getLogger(__name__)

# {module: a sentence about its error, or None}
_imported: dict[str, str | None] = {}


class BrokenModule(Problem):
    """A module of BASIC_DATA_MODULES cannot be imported."""

    status = 500


def problems() -> list[str]:
    """Return a sentence for each module that cannot be imported."""
    return [sentence for name in settings.BASIC_DATA_MODULES if (sentence := _import(name))]


def load() -> None:
    """Import all modules that are not imported yet. Raises BrokenModule for the first one that cannot be imported."""
    for sentence in problems():
        raise BrokenModule(sentence)


def _import(name: str) -> str | None:
    if name not in _imported:
        _imported[name] = None
        try:
            importlib.import_module(name)
        except Exception as error:  # the experimenter's code can raise anything
            logger.warning("BASIC_DATA_MODULES: importing %s raised %s", name, type(error).__name__)
            _imported[name] = (
                f"The module {name} of BASIC_DATA_MODULES cannot be imported ({type(error).__name__}: {error}); "
                "fix it, or remove it from BASIC_DATA_MODULES."
            )
    return _imported[name]
