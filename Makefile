# One command for each thing one does here. Only Python 3.11 with venv, and make, have to be there.

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: demo lab test nightly check format benchmark canary images clean

demo: .venv/demo  ## install, run the quickstart with live progress, say how to open it
	$(BIN)/nbflow demo

lab: .venv/demo  ## open the quickstart in JupyterLab
	$(BIN)/jupyter lab $(ROOT) $(LAB) notebooks/01_quickstart.ipynb

test: .venv/test  ## everything but the nightly tests
	bash .ci/system-packages
	$(BIN)/python -m pytest -n $(JOBS) --durations 15

nightly: .venv/test  ## the tests that take minutes
	bash .ci/system-packages
	HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -m nightly --timeout 3600

check: .venv/test  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: .venv/test  ## measure, and write docs/performance.md
	$(BIN)/python -m benchmarks --write docs/performance.md

canary: .venv/test  ## the suite with canary keys, then a search for them in all it left
	$(BIN)/python -m tests.canary -q -n $(JOBS)

images: .venv/test  ## take the pictures of the docs anew, in a real JupyterLab
	NBFLOW_IMAGES=1 $(BIN)/python -m pytest -m browser -q tests/browser

clean:
	rm -rf .venv .nbflow dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[lab,demo]'
	@touch $@

.venv/test: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[all,test]'
	@touch $@ .venv/demo
