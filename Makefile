# `make demo` and `make test` need git, make and Python >= 3.11 only, and write nothing outside this folder.
# Another Python: make demo PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$name; break; }; done)

.PHONY: help install demo reproduce-ci test test-fast lint clean

help:
	@echo "make demo       install, make synthetic data, train, evaluate and explain (a few minutes)"
	@echo "make reproduce-ci  the path to the results page in small, held against the committed figures (a minute)"
	@echo "make test       run every test"
	@echo "make test-fast  run the tests that take seconds"
	@echo "make lint       check the style"
	@echo "make clean      remove the virtual environment, the demo's output and build files"

install: $(VENV)/.installed

$(VENV)/.python:
	@$(or $(PYTHON),false) -c '$(NEW_ENOUGH)' || { \
		echo "Python 3.11 or newer with venv is needed (Debian, Ubuntu: sudo apt-get install python3-venv;"; \
		echo "macOS: https://www.python.org/downloads or brew install python)."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Installed editable: the commands follow the checkout; only a change of pyproject.toml installs again.
$(VENV)/.installed: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

demo: install
	$(BIN)/gsa prepare synthetic --preset demo --out data/demo
	$(BIN)/gsa train --config configs/demo.toml --data data/demo --sparsity 0.1 --out runs/demo --overwrite
	$(BIN)/gsa evaluate runs/demo
	$(BIN)/gsa explain --data data/demo --run runs/demo --out runs/demo/explain

reproduce-ci: $(VENV)/.installed-test
	rm -rf runs/reproduce-ci data/ci
	$(BIN)/gsa reproduce --scale ci --check

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "not slow"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) build dist *.egg-info data/demo runs/demo data/ci runs/reproduce-ci .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
