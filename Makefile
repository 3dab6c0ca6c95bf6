# The environment is made once, in .venv, from Python 3.11 or newer and the package registry.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check lint format types bench gpu-check clean

demo: $(STAMP)  ## train on handwritten digits, show the result, predict some images
	$(BIN)/python examples/demo.py

test: $(STAMP)  ## every test, on all cores: whole files, in the order of tests/conftest.py
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: lint types test  ## format, lint, types and tests in one

lint: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types: $(STAMP)
	$(BIN)/mypy

format: $(STAMP)  ## put the format right, and what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(STAMP)  ## the speed and size figures of benchmarks/README.md
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/lstm.py

gpu-check: $(STAMP)  ## what needs a CUDA device; without one it says so and ends
	$(BIN)/python benchmarks/gpu_check.py

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "papertrial needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache
