# Two commands do everything: `make up` runs the platform, `make test` checks it.

PYTHON ?= python3
# Without compiled modules every start takes half a second longer.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin

.PHONY: up test check bench conformance behaviour safety clean help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/runtime ## Run the example platform and its tour
	$(BIN)/kiban up examples/arcade --tour

test: .venv/development check ## Run every check and every test
	$(BIN)/pytest -n 2 --dist loadfile

check: .venv/development ## Format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/development ## Measure, as ratios against a named baseline of the same run
	$(BIN)/python -m bench

conformance: .venv/development ## Replay recorded API transcripts [CASES=DIR]
	$(BIN)/python tests/conformance/run.py $(if $(CASES),--cases $(CASES))

behaviour: .venv/development ## Compare the controllers with recorded timelines [CASES=DIR]
	$(BIN)/python tests/behaviour/run.py $(if $(CASES),--cases $(CASES))

safety: .venv/development ## Judge thousands of short runs under random faults [SEEDS=10000]
	$(BIN)/python -m kiban.wiring.safety $(SEEDS)

clean: ## Remove what was built, and the example's state
	rm -rf .venv build dist examples/*/.kiban .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Kiban needs Python 3.11 or later; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv || (echo "Python's venv module is missing: apt install python3-venv" && rm -rf .venv && false)

.venv/runtime: .venv/bin/pip pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[local,examples]'
	touch $@

.venv/development: .venv/runtime pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[local,examples,dev]'
	touch $@
