# Each target does all of its own set-up: a virtual environment in .venv with the exact versions of requirements.lock.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO ?= runs/demo
PLUGINS := $(wildcard plugins/gantool-*)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint docs bench campaign lock clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 16

setup: $(READY)  ## Make .venv with the locked versions

$(READY): requirements.lock pyproject.toml $(wildcard plugins/*/pyproject.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	# torch first and by itself: a newer one, asked for by another package, would bring gigabytes of CUDA libraries.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PLUGINS:%=--editable %)
	touch $(READY)

demo: $(READY)  ## Train on the built-in eyes, refine with the result, and see whether it helps (5 minutes on 2 cores after the set-up)
	rm -rf $(DEMO)
	$(BIN)/python -m simgan_plugin.eyes $(DEMO)/data --count 2000
	$(BIN)/gantool train --plugin simgan --steps 800 --output $(DEMO)/run
	$(BIN)/gantool refine $(DEMO)/run --input $(DEMO)/data/synthetic --output $(DEMO)/refined
	$(BIN)/gantool evaluate $(DEMO)/run --limit 2000 --arms synthetic,refined,mix,histogram-matching -o estimator.steps=300
	$(BIN)/gantool report $(DEMO)/run
	@echo
	@echo "Before and after, side by side:  $(DEMO)/run/samples (the last one: $$(ls $(DEMO)/run/samples | tail -n 1))"
	@echo "Refined images with their labels: $(DEMO)/refined"
	@echo "All about the run, as one page:   $(DEMO)/run/report.html"

test: $(READY)  ## Run the tests
	$(BIN)/python -m pytest
	# All plugins at once, since an import of torch takes longer than most of their tests. Their networks are tiny: a second
	# thread only makes them slower. tests/conftest.py says so for its own.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PLUGINS) -o pythonpath="$(PLUGINS:%=%/tests)"

lint: $(READY)  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/count_statements.py --limits
	$(BIN)/mypy
	$(BIN)/mypy $(PLUGINS:plugins/gantool-%=-p gantool_%)

docs: $(READY)  ## Build the documentation site
	$(BIN)/python scripts/make_hooks_page.py --check
	$(BIN)/mkdocs build --strict

bench: $(READY)  ## Run the benchmarks and write docs/performance.md (10 minutes on 2 cores that do nothing else)
	mkdir -p runs
	# Compiling a network takes minutes on a slow machine.
	$(BIN)/python -m pytest benchmarks --benchmark-enable --benchmark-json=runs/benchmarks.json -o timeout=900
	$(BIN)/python scripts/benchmark_table.py runs/benchmarks.json

campaign: $(READY)  ## Simulate studies whose truth is known: how often do intervals cover it, and how wide are they?
	$(BIN)/python benchmarks/simulated_studies.py

lock:  ## Write requirements.lock anew from pyproject.toml
	PYTHON=$(PYTHON) sh scripts/lock.sh

clean:  ## Remove .venv and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build dist *.egg-info
