# `make` lists the targets. They use the virtual environment in .venv; `make setup` makes it.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup test quick coverage mutants check fix bench fuzz docs

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,check,docs,export]'
	touch .venv/installed

setup: .venv/installed  ## Make .venv with all that development needs

test: .venv/installed  ## Run the tests, two at a time
	$(BIN)/python -m pytest -n 2

quick: .venv/installed  ## Run the tests that take seconds
	$(BIN)/python -m pytest -n 2 -m "not slow" --hypothesis-profile quick

coverage: .venv/installed  ## Run the tests and show the lines and branches that none of them reaches
	$(BIN)/python -m pytest -n 2 --cov=biqa_cli

mutants: .venv/installed  ## Break the code in 200 places and see which breaks no test notices
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,mutants]'
	nice $(BIN)/python tools/mutants.py --output mutants.json

check: .venv/installed  ## Lint, check types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/installed  ## Format and mend what can be mended automatically
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed  ## Measure speed, memory and start-up; writes benchmarks/results.json
	$(BIN)/python benchmarks/scoring.py --output benchmarks/results.json

fuzz: .venv/installed  ## Read 10,000 damaged files, load 100 damaged weights, and try kills, names, servers
	$(BIN)/python tools/fuzz/run.py --files 10000
	$(BIN)/python tools/fuzz/weights.py --count 100
	$(BIN)/python tools/fuzz/signals.py --kills 100
	$(BIN)/python tools/fuzz/resume.py --kills 20
	$(BIN)/python tools/fuzz/culls.py --kills 20
	$(BIN)/python tools/fuzz/names.py --names 2000
	$(BIN)/python -m pytest -q tests/weights/test_hostile_servers.py

docs: .venv/installed  ## Write the help texts into docs/cli and build the site in site/
	$(BIN)/python tools/write_cli_docs.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
