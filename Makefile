# Everything on a fresh machine: Python 3.11 with venv, make and git. `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test test-slow test-exhaustive fuzz check bench clean

demo: $(READY)            ## set up and tell the story: five changes, three environments, one rollback
	$(BIN)/python examples/demo/story.py $(if $(KEEP),--keep)

test: $(READY)            ## set up and pass the tests that need a few minutes
	$(BIN)/pytest -m "not slow and not exhaustive" -n 3 --dist loadfile   # they mostly wait for processes

test-slow: $(READY)       ## whole journeys with real processes, kills and a service from the package index
	$(BIN)/pytest -m slow -rs -n 3 --dist loadfile --no-loadscope-reorder   # they mostly wait; the longest files come first

test-exhaustive: $(READY) ## every case of what the other suites try a spread of; the better part of an hour on two cores
	$(BIN)/pytest -m exhaustive

fuzz: $(READY)            ## feed the parsers of what strangers send; SECONDS=n each, 30 unless told
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "atheris>=3"
	set -e; for parser in $$($(BIN)/python tests/fuzz/parsers.py --list); do \
	  echo "== $$parser"; $(BIN)/python tests/fuzz/parsers.py $$parser -max_total_time=$(or $(SECONDS),30) -verbosity=0 -print_final_stats=1; done

check: $(READY)           ## the fast half of CI: format, lint, types, import contracts, policies
	$(BIN)/ruff format --check src tests bench examples verifier
	$(BIN)/ruff check src tests bench examples verifier
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/wardline gate test

bench: $(READY)           ## ratios against something else measured in the same run
	$(BIN)/python bench/ship.py
	$(BIN)/python bench/switch.py
	$(BIN)/python bench/start_up.py
	$(BIN)/python bench/verify.py
	$(BIN)/python bench/log.py
	$(BIN)/python bench/gate.py
	$(BIN)/python bench/detection.py
	$(BIN)/python bench/scan.py
	$(BIN)/python bench/coverage.py

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	touch $(READY)

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
