PYTHON ?= python3
BIN := .venv/bin
# The tests' processes: one a core, up to four. One that has nothing left takes from the others.
SHARED := -n auto --maxprocesses=4 --dist worksteal
TASK ?= rte
METHOD ?= s3

.PHONY: run test test-slow lint site lock audit clean

run: $(BIN)/.installed ## the default experiment; `make run ARGS="seed=1"` adds options
	$(BIN)/python run.py task=$(TASK) method=$(METHOD) $(ARGS)

test: $(BIN)/.installed lint ## linters, types and the default tests
	$(BIN)/python -m pytest $(SHARED)

test-slow: $(BIN)/.installed ## what takes longer
	$(BIN)/python -m pytest -m slow --timeout=3600

lint: $(BIN)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: $(BIN)/.installed ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

lock: ## the newest versions that pyproject.toml allows, into constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --dry-run --ignore-installed --report .venv/report.json '.[dev]'
	$(BIN)/python .ci/lock.py .venv/report.json > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

audit: $(BIN)/.installed ## known vulnerabilities of those versions, where advisories can be reached
	.ci/audit

# Installed once; again only when the dependencies change. The variable, unlike pip's option, also
# holds for what builds packages.
$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv
