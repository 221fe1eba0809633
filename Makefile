# Two commands for a newcomer: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: run test bench lint lock demo screenshot

run: .venv/.runtime
	@test -e "$${HYPOTHEC_WORKSPACE:-workspace}/demo/schema.toml" || $(BIN)/python cli.py demo
	$(BIN)/python cli.py serve --port $(PORT)

test: .venv/.dev lint
	@./tests/find_chromium.sh > .venv/.chromium
	CHROMIUM="$$(cat .venv/.chromium)" $(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.dev
	@./tests/find_chromium.sh > .venv/.chromium
	CHROMIUM="$$(cat .venv/.chromium)" $(BIN)/python benchmarks/run.py

# Renews the picture in the README from the full demo.
screenshot: .venv/.dev
	@./tests/find_chromium.sh > .venv/.chromium
	README_WORKSPACE="$${HYPOTHEC_WORKSPACE:-workspace}" CHROMIUM="$$(cat .venv/.chromium)" \
		$(BIN)/python -m pytest -q tests/browser/test_app.py::test_readme_screenshot
	mkdir -p docs && cp tests/browser/shots/readme.png docs/screenshot.png

# Renews the pins of everything that requirements*.txt pull in.
lock: .venv/.dev
	$(BIN)/pip freeze --exclude-editable | sed -E "s/_(commit|cpu)==/-\1==/" > constraints.txt

.venv/.venv:
	$(PYTHON) -c 'import sys; sys.exit("Hypothec needs Python 3.11 or later, got " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.runtime: .venv/.venv requirements.txt constraints.txt
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

.venv/.dev: .venv/.runtime requirements-dev.txt
	$(BIN)/pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $@
