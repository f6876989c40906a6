"""The options of an export as fields of a form, in words.

Most are a group of radio buttons or a text. Others share a group: `files` holds the format and Excel, `beside` the
switches, and `more` what makes an anonymized archive hold less.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from exports.package import participant_list
from exports.package.option_spec import Kind, Option
from exports.package.options import OPTIONS, ExportOptions
from psynetdata import rights

FILES, BESIDE, MORE = "files", "beside", "more"
# The order of the fields; those that are not named come in the order of the options.
ORDER = ("anonymize", "snapshot", "participants", "type", "assets", FILES, BESIDE, "level", "pseudonyms", MORE)
_OF_FILES = ("format", "excel")
_LONGEST = 100_000  # characters of a list of participants


@dataclass(frozen=True)
class Box:
    """A checkbox of a group: `value` in the form, and what it means for an option if it is ticked or not."""

    value: str
    words: str
    option: str
    ticked: str | bool
    unticked: str | bool


def fields(user) -> dict[str, forms.Field]:
    """Return the fields for all options, {name: field}, with the archives that the person may have."""
    shown = {option.name: _field(option) for option in OPTIONS if _has_own_field(option)}
    allowed = [choice for choice in shown["anonymize"].choices if may_ask(user, choice[0])]
    shown["anonymize"].choices = allowed
    shown["anonymize"].initial = next((value for value, _ in allowed), None)
    usual = ExportOptions().to_json()
    shown[FILES] = _radio("Class files", _file_choices(), _files_of(usual), required=False)
    for name, label in ((BESIDE, "Besides"), (MORE, "Still less")):
        choices = [(box.value, box.words) for box in _BOXES[name]]
        shown[name] = forms.MultipleChoiceField(
            label=label, choices=choices, initial=_ticked(name, usual), required=False,
            widget=forms.CheckboxSelectMultiple,
        )  # fmt: skip
    return shown


def may_ask(user, anonymize: str) -> bool:
    return all(rights.can_export(user, mode) for mode in ExportOptions(anonymize=anonymize).modes)


def options(cleaned: Mapping) -> ExportOptions:
    """Return the options of a valid form; those that do not apply, such as the level if not anonymized, are ignored.

    Raises UsageError.
    """
    values = {option.name: cleaned[option.name] for option in OPTIONS if cleaned.get(option.name) not in ("", None)}
    for name in (BESIDE, MORE):
        if name in cleaned:
            values |= {box.option: box.unticked for box in _BOXES[name]}
            values |= {box.option: box.ticked for box in _BOXES[name] if box.value in cleaned[name]}
    if cleaned.get(FILES) and values["type"] == "psynet":
        values |= {"excel": True} if cleaned[FILES] == "excel" else {"format": cleaned[FILES]}
    if values["anonymize"] == "no":
        values = {option.name: values[option.name] for option in _REGULAR if option.name in values}
    return ExportOptions(**values)


def as_filled(known: Mapping) -> dict:
    """Return the form's values for options as a preset stores them."""
    own = {option.name: known[option.name] for option in OPTIONS if option.name in known and _has_own_field(option)}
    if own.get("participants"):
        own["participants"] = participant_list.id_ranges(own["participants"])
    return own | {FILES: _files_of(known), BESIDE: _ticked(BESIDE, known), MORE: _ticked(MORE, known)}


def _has_own_field(option: Option) -> bool:
    return bool(option.label) and option.name not in _OF_FILES and not any(_boxes_of(option))


def _field(option: Option) -> forms.Field:
    if option.kind is Kind.CHOICE:
        return _radio(option.label, list(option.choices.items()), option.default, required=not option.only_anonymous)
    shown = {"label": option.label, "help_text": option.hint, "required": False, "widget": UnfoldAdminTextInputWidget}
    if option.kind is Kind.WHOLE_NUMBER:
        return forms.IntegerField(min_value=1, max_value=option.most, **shown)
    return forms.CharField(max_length=_LONGEST, **shown)


def _radio(label: str, choices: list, initial: str, **more) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, initial=initial, widget=forms.RadioSelect, **more)


def _boxes_of(option: Option) -> Iterator[Box]:
    """Yield the boxes of a switch, or of a choice that can be left out; one called `no_x` is offered as x."""
    if not option.label or option.name in _OF_FILES:
        return
    if option.kind is Kind.SWITCH:
        is_negative = option.name.startswith("no_")
        yield Box(option.name.removeprefix("no_"), option.label, option.name, not is_negative, is_negative)
    elif option.can_be_left_out:
        yield from (Box(value, words, option.name, value, "") for value, words in option.choices.items())


def _ticked(group: str, known: Mapping) -> list[str]:
    usual = ExportOptions().to_json()
    return [box.value for box in _BOXES[group] if known.get(box.option, usual[box.option]) == box.ticked]


def _files_of(known: Mapping) -> str:
    return "excel" if known.get("excel") else known.get("format", "csv")


def _file_choices() -> list[tuple[str, str]]:
    """Return the formats, with Excel after CSV."""
    format, excel = (next(option for option in OPTIONS if option.name == name) for name in _OF_FILES)
    first, *others = format.choices.items()
    return [first, (excel.name, excel.label), *others]


_REGULAR = [option for option in OPTIONS if not option.only_anonymous]
_BOXES = {
    name: [box for option in OPTIONS if option.only_anonymous == only for box in _boxes_of(option)]
    for name, only in ((BESIDE, False), (MORE, True))
}
