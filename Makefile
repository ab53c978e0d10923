# After a clone, `make run` or `make test` does everything, the installation included.
# PYTHON names the Python that a new .venv is made from, CC the C compiler, PORT the port of `make run`,
# ARGS more words for pytest, as in `make test ARGS="-k stacking"`.

SHELL := /bin/sh
.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:

PYTHON ?=
PORT ?= 8000
ARGS ?=
ifneq ($(filter default undefined,$(origin CC)),)
CC := $(shell command -v cc || command -v gcc || command -v clang || echo cc)
endif

# Tests and pages start the service dozens of times: without bytecode on disk each start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq install

# The setup.py of durable_rules overwrites CFLAGS, so its C core would be built without optimisation, and
# calls a function that Python 3.13 no longer has. Only CC gets through to the compiler.
DURABLE_FLAGS := -O2 -DPyEval_CallObject=PyObject_CallObject

.PHONY: help
help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: .venv/.package ## make .venv and install into it what requirements.txt pins

.PHONY: run
run: install ## serve on 127.0.0.1, port PORT (8000), and print a request to try
	@exec $(PY) -m policy_service serve --host 127.0.0.1 --port $(PORT)

# worksteal, not loadfile: most cases are parameters of a few files, which loadfile cannot share out.
PYTEST := $(PY) -m pytest -n auto --dist worksteal
# By another name: a line that says $(MAKE) is run under --dry-run too.
AGAIN := $(MAKE) --no-print-directory

# Linting runs beside the tests, which wait now and then and leave a core free. Whether `make docs` was run is a test too.
.PHONY: test
test: install ## lint, and all tests but the long ones; ARGS are passed to pytest
	@told=$$(mktemp); $(AGAIN) lint >"$$told" 2>&1 & lint=$$!; \
	trap 'kill $$lint 2>/dev/null || :; rm -f "$$told"' EXIT INT TERM; \
	faults=0; \
	$(PYTEST) $(ARGS) || faults=1; \
	wait $$lint || faults=1; \
	cat "$$told"; exit $$faults

.PHONY: test-long
test-long: install ## the tests that need minutes: processes killed round after round, fuzzing, seeded faults
	@$(PYTEST) -m long $(ARGS)
	@$(PY) -u tests/mutants/run.py

.PHONY: tampering
tampering: install ## change a store by hand in all ways of a table, and print how many are found and missed
	@$(PY) -m tests.tampering

.PHONY: lint
lint: install ## ruff, mypy and the import contracts
	@faults=0; \
	$(PY) -m ruff check --quiet . || faults=1; \
	$(PY) -m mypy --no-error-summary || faults=1; \
	.venv/bin/lint-imports --no-logo || faults=1; \
	exit $$faults

.PHONY: check
check: lint ## lint, and whether `make docs` was run
	@$(PY) -m tools.build_docs --check

.PHONY: format
format: install ## rewrite the Python files in the one layout
	@$(PY) -m ruff check --select I --fix .
	@$(PY) -m ruff format .

.PHONY: docs
docs: install ## rebuild the generated parts of the documentation and the outputs it shows
	@$(PY) -m tools.build_docs

.PHONY: bench
bench: install ## measure the engines, and what the durable log costs
	@$(PY) benchmarks/run.py
	@$(PY) benchmarks/log_cost.py

.PHONY: bench-log
bench-log: install ## measure only what the durable log costs, in two minutes
	@$(PY) benchmarks/log_cost.py

.PHONY: bench-before
bench-before: install ## measure a decision here and in the earlier checkout BEFORE=FOLDER, in ten minutes
	@$(PY) -u benchmarks/log_before.py $(BEFORE)

.PHONY: bench-load
bench-load: install ## measure how loading and checking grow with rows, values and policies
	@$(PY) -u benchmarks/load.py

.PHONY: bench-replay
bench-replay: install ## replay 100,000 decisions, and erase persons among them; at most 15 minutes
	@$(PY) -u benchmarks/replay_many.py

.PHONY: bench-http
bench-http: install ## measure the service over HTTP, on SQLite and PostgreSQL, in four minutes
	@$(PY) benchmarks/http/run.py

.PHONY: bench-memory
bench-memory: install ## measure what a worker holds over 20 bundles taken over, in five minutes
	@$(PY) -u benchmarks/http/memory.py

.PHONY: bench-slow
bench-slow: install ## measure ordinary requests while 200 slow clients attack, a minute for each of ten attacks
	@$(PY) -u benchmarks/slow_bodies.py

.PHONY: soak
soak: install ## ten minutes of load while bundles change and workers are killed
	@$(PY) -u benchmarks/http/soak.py

.PHONY: chaos
chaos: install ## kill workers, master and PostgreSQL under load, 50 rounds on each store
	@$(PY) -u tests/chaos/chaos.py

.PHONY: clocks
clocks: install ## 10,000 decisions of two hosts whose clocks jump, while both stop and resume, on each store
	@$(PY) -u tests/hosts/clocks.py

.PHONY: fuzz-http
fuzz-http: install ## send 20,000 hostile inputs to a live server
	@$(PY) -u tests/fuzz_http/fuzz.py

.PHONY: fuzz-rules
fuzz-rules: install ## check 20,000 folders of rule files with faults
	@$(PY) -u tests/fuzz_rules/fuzz.py

.PHONY: fuzz
fuzz: install ## compare the engines on generated policies and facts
	@$(PY) tests/differential/fuzz.py

.PHONY: mutants
mutants: install ## seed faults into a copy of the service, one at a time: the reference must find each
	@$(PY) -u tests/mutants/run.py

.PHONY: clean
clean: ## remove .venv, caches and built files; var/, the data, stays
	@rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the installation: each stamp is written last, so an interrupted installation is taken up again ---

# Holds the checksum it was made from: a checkout that only touches requirements.txt installs nothing.
.venv/.requirements: requirements.txt
	@if [ "$$(cat $@ 2>/dev/null)" = "$$(cksum < requirements.txt)" ]; then touch $@; exit 0; fi; \
	if [ -x $(PY) ] && [ "$$(sh tools/find_python.sh ./$(PY) 2>/dev/null)" ] && $(PY) -c 'import pip' 2>/dev/null; then \
	    python=./$(PY); \
	else \
	    python=$$(sh tools/find_python.sh "$(PYTHON)"); \
	fi; \
	include=$$("$$python" -c 'import sysconfig; print(sysconfig.get_path("include"))'); \
	if ! $(CC) --version >/dev/null 2>&1; then \
	    echo 'No C compiler ($(CC)), and the rules engine is C. Install one (on Debian and Ubuntu: apt install gcc libc6-dev), or name it: make install CC=/path/to/cc' >&2; exit 1; \
	fi; \
	if ! echo '#include <Python.h>' | $(CC) -I"$$include" -fsyntax-only -x c - 2>/dev/null; then \
	    echo "No C headers for $$python. Install them (on Debian and Ubuntu: apt install python3-dev libc6-dev), or name another Python: make install PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Installing into .venv with $$python; this takes a minute or two"; \
	[ "$$python" = ./$(PY) ] || "$$python" -m venv --clear .venv; \
	if ! { $(PIP) "$$(grep '^setuptools==' requirements.txt)" && \
	       CC="$(CC) $(DURABLE_FLAGS)" $(PIP) --no-cache-dir --no-binary durable_rules --no-build-isolation \
	           --no-deps --force-reinstall --use-pep517 "$$(grep '^durable_rules==' requirements.txt)" && \
	       $(PIP) -r requirements.txt; }; then \
	    echo 'The installation failed for the reason above; `make install` takes it up again.' >&2; exit 1; \
	fi; \
	if ! $(PY) -c 'import durable_rules_engine' 2>/dev/null; then \
	    echo 'The C core of durable_rules was built but cannot be loaded. Build it again with another compiler or Python: make clean install CC=gcc PYTHON=python3.12' >&2; exit 1; \
	fi; \
	cksum < requirements.txt > $@

.venv/.package: .venv/.requirements pyproject.toml
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@
