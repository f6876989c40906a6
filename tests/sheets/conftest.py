import pytest


@pytest.fixture(autouse=True)
def own_experiments(monkeypatch):
    """Classes that a test defines are gone after it."""
    from psynetdata.sheets.basic_data import experiment, modules

    monkeypatch.setattr(experiment, "_experiments", {})
    monkeypatch.setattr(modules, "_imported", {})
