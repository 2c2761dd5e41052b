# The newcomer's two commands: `make demo` and `make test`. Both first make .venv from requirements.lock.
# Tests mostly wait for processes that work beside them, so there are more workers than cores. ARGS names some: one by one.
# Everything but a command's own output goes to stderr, so that `make demo ARGS=--json` prints JSON and nothing else.

PYTHON ?= python3
ARGS ?=
WORKERS ?= 3
VENV := .venv
STAMP := $(VENV)/installed
BIN := $(VENV)/bin

MAKEFLAGS += --no-print-directory

# Dozens of processes start in a demo and in the tests, and each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := install
.PHONY: install demo test lock

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/partyline demo $(ARGS)

test: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict matcher
ifeq ($(ARGS),)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup --no-loadscope-reorder -m "not alone"
	@$(BIN)/python -m pytest -m alone tests/chaos
else
	@$(BIN)/python -m pytest $(ARGS)
endif

# pip would compile every module of every library, most of which nobody imports: Python does so with those that are.
# The last step compiles the matching's loops, so that the first demo need not wait for it.
# The stamp is younger than both files exactly as long as nothing in them changed since the last complete installation.
$(STAMP): pyproject.toml requirements.lock | $(BIN)/pip
	@echo "Installing Partyline's locked dependencies into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --no-deps --editable . >&2
	@$(BIN)/python -c 'from matcher.warm import warm_up; warm_up()' >&2
	@touch $@

# Debian ships venv without ensurepip: there the environment starts empty and the system's pip fills it.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Partyline needs Python 3.11 or newer, and '$(PYTHON)' is not; name one with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null && $(PYTHON) -m venv $(VENV) >&2 || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) >&2 && \
	    $(PYTHON) -m pip --python $(BIN)/python install --quiet pip >&2; }

# One lock for Python 3.11 and newer on every system; hashes, so that an index cannot hand out something else.
lock: | $(BIN)/pip
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv >&2
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock
