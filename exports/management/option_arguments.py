"""The options of an export as a command's arguments."""

from argparse import ArgumentParser

from exports.package import participant_list
from exports.package.option_spec import Kind, Option
from exports.package.options import OPTIONS, ExportOptions


def add_arguments(parser: ArgumentParser) -> None:
    """Add all options; those that only matter for anonymized exports are a group."""
    anonymized = parser.add_argument_group("anonymized exports")
    for option in OPTIONS:
        (anonymized if option.only_anonymous else parser).add_argument(*option.flags, **_argument(option))


def asked(arguments: dict) -> ExportOptions:
    """Return the options among a command's arguments. Raises UsageError."""
    values = {option.name: arguments[option.name] for option in OPTIONS}
    for option in OPTIONS:
        if option.kind is Kind.IDS:
            values[option.name] = participant_list.parse(values[option.name])
    return ExportOptions(**values)


def _argument(option: Option) -> dict:
    if option.kind is Kind.SWITCH:
        return {"action": "store_true", "help": option.help}
    if option.kind is Kind.WHOLE_NUMBER:
        return {"type": int, "metavar": "N", "help": option.help}
    if option.kind is Kind.IDS:
        return {"default": "", "metavar": "IDS", "help": f"{option.help} Write them like 3,5,8-12."}
    usual = "" if option.can_be_left_out else f" Default: {option.default}."
    choice = {"default": option.default, "choices": list(option.choices), "help": f"{option.help}{usual}"}
    return choice if option.bare is None else {**choice, "nargs": "?", "const": option.bare}
