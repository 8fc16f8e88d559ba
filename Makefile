# raysk: `make` lists the targets. Everything happens in .venv; nothing but Python >= 3.10 with venv is assumed.
#
#     make test ARGS="-k forest -x"     # arguments for pytest
#     make test AT_ONCE=0               # one test after the other, for a debugger; else three: half of the time a test waits
#     make demo PYTHON=python3.12       # another interpreter for a new .venv
#     make cluster N=10 CPUS=2          # hosts to try raysk on, and CPUs of each

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
AT_ONCE ?= 3
N ?= 3
CPUS ?= 4

# pip compiles what it installs, so that Ray's workers need not: with this set, each takes 4 s to start, not 1.4 s
unexport PYTHONDONTWRITEBYTECODE
# the tests see the wheel installed in .venv, whatever the shell was set up for
unexport PYTHONPATH

# what goes into the wheel
SOURCES := pyproject.toml README.md $(shell find raysk -type f -not -path '*/__pycache__/*')

.DEFAULT_GOAL := help
.PHONY: help demo unit test multihost cluster cluster-down check lint type fmt

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s  %s\n", $$1, $$2}' Makefile

demo: $(VENV)/installed  ## Install raysk, then search 60 candidates on the digits data
	$(BIN)/raysk search examples/svm_digits.py --n-iter 60

unit: $(VENV)/installed-test  ## Run the tests that start no Ray: less than a minute
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n $(AT_ONCE) --dist worksteal tests/unit $(ARGS)

# pytest itself, not `python -m pytest`, which would put the checkout in front of the installed wheel
test: $(VENV)/installed-test  ## Run every test that needs no root
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n $(AT_ONCE) --dist loadgroup \
		--durations=15 --ignore=tests/multihost $(ARGS)

multihost: $(VENV)/installed-test  ## Run the tests on several hosts; needs root, Linux and iproute2
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 --durations=15 tests/multihost $(ARGS)

cluster: $(VENV)/installed  ## Start N hosts with CPUS CPUs each on this machine, to try raysk on; needs the same
	@$(BIN)/python tests/multihost/keeper.py up --hosts $(N) --cpus $(CPUS)

cluster-down:  ## End them
	@$(BIN)/python tests/multihost/keeper.py down

check: lint type test  ## Lint, types, tests; CI runs this and multihost

lint: $(VENV)/installed-test  ## Check style and format
	@failed=0; for do in 'check' 'format --check'; do echo "ruff $$do ."; $(BIN)/ruff $$do . || failed=1; done; exit $$failed

type: $(VENV)/installed-test  ## Check types
	$(BIN)/mypy

fmt: $(VENV)/installed-test  ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Stamps: made last, so that what broke off half way is done again. The wheel is built and installed anew when a file
# of it changes; dependencies already there stay as they are.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "raysk needs Python 3.10 or newer: make PYTHON=python3.X")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	@touch $@

$(VENV)/installed-test: $(VENV)/made $(SOURCES)
	$(BIN)/python -m pip install --quiet '.[test]'
	@touch $@ $(VENV)/installed
