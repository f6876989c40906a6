"""Each option is defined once, and every surface has it from there."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from exports.admin.export.option_fields import as_filled
from exports.admin.export.request_form import ExportForm
from exports.api.new_export import NewExportSerializer
from exports.management import option_arguments
from exports.package import participant_list
from exports.package.formats.registry import FORMATS
from exports.package.option_spec import Kind
from exports.package.options import OPTIONS, ExportOptions
from exports.package.request import request_export
from psynetdata.models import Deployment
from psynetdata.psynet.problems import UsageError
from psynetdata.sheets.output import arrow
from tests.store.snapshot_factory import written_down

DOCS = Path(__file__).resolve().parents[2] / "docs"
OTHERS = {Kind.SWITCH: [True], Kind.WHOLE_NUMBER: [2], Kind.IDS: [(1, 2, 5)]}
CASES = [
    (option, value)
    for option in OPTIONS
    for value in OTHERS.get(option.kind, option.choices)
    if value != option.default
]
each_value = pytest.mark.parametrize(("option", "value"), CASES, ids=lambda told: getattr(told, "name", str(told)))


def parsed(*words) -> ExportOptions:
    parser = argparse.ArgumentParser()
    option_arguments.add_arguments(parser)
    return option_arguments.asked(vars(parser.parse_args(words)))


def test_there_are_options_of_every_kind():
    assert {option.kind for option, _ in CASES} == set(Kind)
    assert parsed() == ExportOptions()


@each_value
def test_the_command_has_it(option, value):
    text = participant_list.id_ranges(value) if option.kind is Kind.IDS else str(value)
    for flag in option.flags:
        assert parsed(flag, *([] if value is True else [text])) == replace(ExportOptions(), **{option.name: value})
    if value == option.bare:
        assert parsed(*option.flags) == replace(ExportOptions(), **{option.name: value})


@each_value
def test_the_api_has_it(option, value):
    serializer = NewExportSerializer(data={option.name: list(value) if isinstance(value, tuple) else value})
    assert serializer.is_valid(), serializer.errors
    assert ExportOptions.from_json(dict(serializer.validated_data)) == replace(ExportOptions(), **{option.name: value})


@pytest.mark.django_db
@each_value
def test_the_page_has_it_if_it_has_words(option, value):
    user, asked = get_user_model()(is_superuser=True), replace(ExportOptions(), **{option.name: value})
    form = ExportForm.filled(Deployment.objects.create(), user, as_filled(asked.to_json()))
    assert form.is_valid(), form.errors
    assert form.options() == (asked if option.label else ExportOptions())
    for words in option.choices.values() or [option.label]:
        assert words.replace("'", "&#x27;") in form.as_p()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_docs_have_it(option):
    assert option.flags[0] in (DOCS / "commands.md").read_text(encoding="utf-8")
    assert f"`{option.name}`" in (DOCS / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_another_value_is_refused_in_a_sentence_that_names_it(option):
    with pytest.raises(UsageError, match=f"^The export's {option.name} "):
        ExportOptions(**{option.name: {"strange": 1}})


def test_every_format_is_offered():
    (option,) = (option for option in OPTIONS if option.name == "format")
    assert list(option.choices) == list(FORMATS)
    assert [ExportOptions(format=name).file_format for name in FORMATS] == list(FORMATS.values())


@pytest.mark.django_db(databases="__all__")
def test_without_pyarrow_parquet_is_one_sentence(monkeypatch):
    deployment = written_down({}).deployment
    monkeypatch.setattr(arrow, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install -r requirements-parquet"):
        request_export(deployment, ExportOptions(format="parquet"))
    assert not deployment.exports.exists()
