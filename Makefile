# The commands of the README. Everything is installed into .venv; nothing else on the machine changes.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# What meets the database in ways that differ is tested on SQLite and on PostgreSQL.
ON_BOTH := tests/mirror tests/exports tests/api tests/sheets tests/site/test_jobs.py

.PHONY: run test install lint format coverage bench clean

run: .venv/installed  ## install, migrate, load the sample on the first run, start everything
	@exec $(MANAGE) serve --sample

test: .venv/installed-dev  ## lint, then every test, on SQLite and on PostgreSQL
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m tests.on_postgres -n 2 $(ON_BOTH)

install: .venv/installed

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(MANAGE) makemigrations --check --dry-run

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: .venv/installed-dev  ## what the tests reach, on SQLite
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --sort=cover

bench: .venv/installed-dev
	$(BIN)/python benchmarks/leakscan.py

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("psynetdata needs Python 3.11 or later; name one, like: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/installed

clean:  ## remove the virtual environment; ./var, which holds the data, stays
	rm -rf .venv
