"""Nothing of the desk is left out: each address, each action of a list and each verb of a form stands in the tables."""

import re

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import URLResolver, get_resolver

from . import access_actions, data_actions, deployment_actions, export_actions, job_actions  # noqa: F401  each fills the table
from .action_table import ACTIONS
from .pages import NO_PAGE, PAGES

ASKED = {line for action in ACTIONS for line in action.asks}
# What Django makes for every model, and what decides whether anybody may use it.
RIGHTS = {"_add": "has_add_permission", "_delete": "has_delete_permission"}


@pytest.fixture
def request_of_all(rf: RequestFactory):
    request = rf.get("/admin/")
    request.user = User(username="admin", is_superuser=True, is_staff=True, is_active=True)
    return request


def names(resolver, prefix: str = "") -> set[str]:
    """Of the addresses below /admin/."""
    found = set()
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            found |= names(one, path)
        elif path.startswith("admin/") and one.name:
            found.add(one.name)
    return found


def is_shut(name: str, request) -> bool:
    """Whether the address is one of those that Django makes for every model and that nobody may use for this one."""
    for model, model_admin in admin.site._registry.items():
        for end, right in RIGHTS.items():
            if name == f"{model._meta.app_label}_{model._meta.model_name}{end}":
                return not getattr(model_admin, right)(request)
    # A history is one page for all models; two of them are looked at.
    return name.endswith("_history")


def test_every_address_is_looked_at_or_pressed(request_of_all):
    known = set(PAGES) | set(NO_PAGE) | {line.split()[1] for line in ASKED}
    missing = {name for name in names(get_resolver()) - known if not is_shut(name, request_of_all)}
    assert missing == set(), "Name them in tests/browser/pages.py, or press them in tests/browser/*_actions.py."


def test_the_tables_name_nothing_that_is_gone():
    there = names(get_resolver())
    assert set(PAGES) | set(NO_PAGE) <= there


def test_every_action_of_a_list_is_pressed(request_of_all):
    offered = {
        f"POST {model._meta.app_label}_{model._meta.model_name}_changelist action={name}"
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.get_actions(request_of_all)
    }
    assert offered - ASKED == set(), "Press them in tests/browser/*_actions.py."


def test_every_verb_of_a_form_is_pressed():
    verbs = {
        verb
        for template in (settings.BASE_DIR / "templates").rglob("*.html")
        for verb in re.findall(r'name="verb" value="(\w+)"', template.read_text(encoding="utf-8"))
    }
    pressed = {line.partition("verb=")[2] for line in ASKED}
    assert verbs - pressed == set(), "Press them in tests/browser/*_actions.py."
