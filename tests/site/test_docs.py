"""Every command, setting and address is documented, or the build fails."""

import re
from pathlib import Path

from django.core.management import get_commands
from django.urls import get_resolver

ROOT = Path(__file__).resolve().parents[2]
# Django's own command, extended so that it reaches all three databases.
EXTENDED = {"migrate"}


def documented(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_every_command_is_documented():
    ours = {name for name, app in get_commands().items() if app in ("psynetdata", "exports")} - EXTENDED
    text = documented("commands.md")
    assert {name for name in ours if f"`{name}" not in text} == set()


def test_every_setting_is_documented():
    read = set(re.findall(r'env\.read\(\s*"(\w+)"', (ROOT / "psynetdata" / "settings.py").read_text(encoding="utf-8")))
    text = documented("settings.md")
    assert {name for name in read if f"`{name}`" not in text} == set()


def test_every_address_of_the_api_is_documented():
    text = documented("api.md")
    routes = {
        str(pattern.pattern) for pattern in get_resolver().url_patterns if not str(pattern.pattern).startswith("admin")
    }
    for included in get_resolver().url_patterns:
        for pattern in getattr(included, "url_patterns", []):
            if not str(included.pattern).startswith("admin"):
                routes.add(str(pattern.pattern))
    first_words = {re.split(r"[<(\\^$]", route.strip("^$"))[0].strip("/") for route in routes} - {"", "api"}
    assert {route for route in first_words if route not in text} == set()


def test_links_between_the_documents_hold():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_no_text_holds_a_path_of_a_machine():
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]:
        assert not re.search(r"/(work|root|farm)/", path.read_text(encoding="utf-8")), path
