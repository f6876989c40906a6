"""One name, one thing: no class name twice in an app, and no function whose name says nothing."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Names that Django, DRF and the management commands give to each of many classes.
_GIVEN = {"Meta", "State", "Kind", "Command", "Migration"}
# Experimenters import these from psynetdata.sheets by the names that their models have.
_PUBLIC = "psynetdata/sheets/basic_data/row_objects.py"
_SAYS_NOTHING = {"of", "look"}
APPS = ("psynetdata", "exports", "tools", "benchmarks")


def _definitions(app: str):
    """(node, its file and line) of all classes and functions of an app, without its migrations."""
    for path in sorted((ROOT / app).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        file = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node, f"{file}:{node.lineno}"


@pytest.mark.parametrize("app", ["psynetdata", "exports"])
def test_no_two_classes_of_an_app_have_one_name(app):
    places = defaultdict(list)
    for node, place in _definitions(app):
        if isinstance(node, ast.ClassDef) and node.name not in _GIVEN and not place.startswith(_PUBLIC):
            places[node.name].append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_names_of_functions_say_what_they_do():
    assert [
        f"{place} {node.name}"
        for app in APPS
        for node, place in _definitions(app)
        if not isinstance(node, ast.ClassDef) and node.name in _SAYS_NOTHING
    ] == []
