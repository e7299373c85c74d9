# The one menu. Every target sets up its own environment in .venv; none needs root.
PYTHON ?= python3
VIDEO ?=
BIN := .venv/bin
STAMP := .venv/.ready
PEERS := .venv-peers/.ready

.PHONY: help demo test test-long lint format bench bench-gpu clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt tools/bootstrap.py
	$(PYTHON) tools/bootstrap.py .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $(STAMP)

# readers of our exports whose own dependencies do not go together with ours
$(PEERS): constraints-peers.txt tools/bootstrap.py
	$(PYTHON) tools/bootstrap.py .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-peers.txt datumaro
	@touch $(PEERS)

demo: $(STAMP)  ## annotate a generated clip (or VIDEO=path) and show what was found
	$(BIN)/python examples/demo.py $(if $(VIDEO),"$(VIDEO)")

test: $(STAMP) $(PEERS)  ## the test suite with coverage (about twenty minutes)
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest -n auto --dist worksteal -m "not long"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python tools/coverage_gate.py

test-long: $(STAMP)  ## what takes minutes, two files at a time: long videos, all fault points
	$(BIN)/python -m pytest -m long -n 2 --dist loadfile --no-loadscope-reorder --timeout 3600 -rP

lint: $(STAMP)  ## style, types, layers, security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r src

format: $(STAMP)  ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## ratios beside limits and peers, as tables and JSON
	$(BIN)/python benchmarks/run.py

bench-gpu: $(STAMP)  ## detection on every frame at 1080p and 4K on a GPU; "not measured" where there is none
	$(BIN)/python benchmarks/run.py gpu

clean:  ## remove what was made
	rm -rf .venv .venv-peers demo-output bench-results .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache
