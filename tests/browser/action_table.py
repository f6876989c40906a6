"""The table of actions: `@action(what it does, *what it asks the site for)` puts a function into it.

A function presses what a person presses, and looks at what came of it: on the page, and in the database or the file.
What it names must really have been asked for (`Visit.asked`), so that the table cannot claim more than was pressed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .visit import Visit


@dataclass(frozen=True)
class Action:
    name: str
    asks: frozenset[str]
    press: Callable[[Visit], None]


ACTIONS: list[Action] = []


def action(name: str, *asks: str):
    def register(function):
        ACTIONS.append(Action(name, frozenset(asks), function))
        return function

    return register


def deployment(visit: Visit, name: str, part: str = "change/") -> str:
    return f"/admin/psynetdata/deployment/{visit.site.n[name]}/{part}"


def snapshot(visit: Visit, name: str, part: str = "change/") -> str:
    return f"/admin/exports/snapshot/{visit.site.n[name]}/{part}"
