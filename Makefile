# Two commands: `make demo` and `make test`. Each sets up its own virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test bench schemas clean

demo: $(READY)
	$(BIN)/starsend demo

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto

bench: $(READY)
	$(BIN)/python -m bench.startup

schemas: $(READY)
	$(BIN)/python -m client_async.schemas projects/demo/schemas

clean:
	rm -rf $(VENV)

# Debian ships Python without venv; a machine that lacks it is told, or mended where we may.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); \
	  else echo "starsend: Python's venv is missing; run: sudo apt-get install python3-venv" >&2; exit 1; fi; }
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
