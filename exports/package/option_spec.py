"""How one option of an export is declared: everything that a command, the API and a page need in order to offer it.

Options are fields of a dataclass (options.py). `choice`, `switch`, `whole_number` and `ids` make such fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any

from psynetdata.psynet.problems import UsageError

from . import participant_list

_OPTION = "option"  # where a field's metadata has its Option


class Kind(Enum):
    CHOICE, SWITCH, WHOLE_NUMBER, IDS = "choice", "switch", "whole number", "ids of participants"


@dataclass(frozen=True)
class Option:
    """One option.

    `help`: a sentence for the command line and the API. `label`: on pages, the heading of its choices or the words next
    to its box, where an option called `no_x` is offered as x; without a label pages do not offer it. `hint`: a footnote
    there. `choices`: {value: its words on pages}; if the default is "", a choice can be left out. `only_anonymous`: it
    matters only for anonymized archives. `recorded`: manifests name it. `spellings`: of its flag, if there are several.
    `bare`: what the flag means without a value. `most`: the largest whole number.
    """

    kind: Kind
    help: str
    label: str = ""
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    only_anonymous: bool = False
    recorded: bool = True
    spellings: tuple[str, ...] = ()
    bare: str | None = None
    most: int = 0
    name: str = ""
    default: Any = None

    @property
    def flags(self) -> tuple[str, ...]:
        return self.spellings or ("--" + self.name.replace("_", "-"),)

    @property
    def values(self) -> tuple[str, ...]:
        """What a choice can be, including "" if it can be left out."""
        return (*([""] if self.can_be_left_out else []), *self.choices)

    @property
    def can_be_left_out(self) -> bool:
        return self.kind is Kind.CHOICE and self.default == ""

    def checked(self, value: Any) -> Any:
        """Return the value as it is stored. Raises UsageError."""
        if self.kind is Kind.CHOICE and value not in self.values:
            raise UsageError(f"The export's {self.name} must be one of {', '.join(self.choices)}.")
        if self.kind is Kind.SWITCH and not isinstance(value, bool):
            raise UsageError(f"The export's {self.name} must be true or false.")
        is_number = type(value) is int and 1 <= value <= self.most
        if self.kind is Kind.WHOLE_NUMBER and value is not None and not is_number:
            raise UsageError(f"The export's {self.name} must be a whole number from 1 to {self.most}.")
        if self.kind is Kind.IDS and value is not None:
            return participant_list.checked(value)
        return value


def choice(default: str, choices: Mapping[str, str], help: str, **more: Any) -> Any:
    """Return a dataclass's field for a choice."""
    return _field(default, Option(Kind.CHOICE, help, choices=choices, **more))


def switch(help: str, **more: Any) -> Any:
    """Return a dataclass's field for a switch, which is off by default."""
    return _field(False, Option(Kind.SWITCH, help, **more))


def whole_number(most: int, help: str, **more: Any) -> Any:
    """Return a dataclass's field for a number from 1 to `most`, or None."""
    return _field(None, Option(Kind.WHOLE_NUMBER, help, most=most, **more))


def ids(help: str, **more: Any) -> Any:
    """Return a dataclass's field for the ids of some participants, or None for all."""
    return _field(None, Option(Kind.IDS, help, **more))


def worded(values: tuple[str, ...], *words: str) -> dict[str, str]:
    """Return {value: its words}, for values that are defined elsewhere."""
    return dict(zip(values, words, strict=True))


def options_of(cls: type) -> tuple[Option, ...]:
    """Return the options that a dataclass declares, in their order."""
    return tuple(replace(each.metadata[_OPTION], name=each.name, default=each.default) for each in fields(cls))


def _field(default: Any, option: Option) -> Any:
    return field(default=default, metadata={_OPTION: option})
