PYTHON ?= python3
BIN := .venv/bin
TASK ?= rte
METHOD ?= s3

.PHONY: run test test-slow lint clean

run: $(BIN)/.installed ## the default experiment; `make run ARGS="seed=1"` adds options
	$(BIN)/python run.py task=$(TASK) method=$(METHOD) $(ARGS)

test: $(BIN)/.installed lint ## linters, types and the default tests
	$(BIN)/python -m pytest

test-slow: $(BIN)/.installed ## what takes longer
	$(BIN)/python -m pytest -m slow --timeout=3600

lint: $(BIN)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Installed once; again only when the dependencies change.
$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv
