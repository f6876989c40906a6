"""Every action of the desk, pressed in Chromium at a real site: with the mouse or the keyboard, wide or on a phone,
light or dark in turn; each page that says what will happen is looked at in all of these."""

import pytest

from . import access_actions, data_actions, deployment_actions, export_actions, job_actions  # noqa: F401  each fills the table
from .action_table import ACTIONS
from .visit import VARIANTS


@pytest.mark.parametrize(
    ("visit", "action"),
    [
        pytest.param(VARIANTS[place % len(VARIANTS)], action, id=f"{action.name}-{VARIANTS[place % len(VARIANTS)]}")
        for place, action in enumerate(ACTIONS)
    ],
    indirect=["visit"],
)
def test_an_action(visit, action):
    action.press(visit)
    assert action.asks <= visit.asked, action.asks - visit.asked
