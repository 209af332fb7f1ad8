# Two commands: `make demo` and `make test`. Each sets up its own virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Tests wait too, for a disk, a child or a vendor that never answers: one more of them than there are cores.
WORKERS := $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
# Set in many containers; then every process that a test starts would compile the whole product again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test bench soak schemas docs screenshots clean

demo: $(READY)
	@$(BIN)/starsend --root . demo

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & types=$$!; $(BIN)/pytest -n $(WORKERS) --dist worksteal; asked=$$?; wait $$types && exit $$asked

bench: $(READY)
	$(BIN)/python -m bench.startup
	$(BIN)/python -m bench.state
	$(BIN)/python -m bench.cells
	$(BIN)/python -m bench.grids
	$(BIN)/python -m bench.watching
	$(BIN)/python -m bench.console
	$(BIN)/python -m bench.orchestration
	$(BIN)/python -m bench.peers

soak: $(READY)
	$(BIN)/python -m tests.crash.soak --sequences 200 --minutes 60

schemas: $(READY)
	$(BIN)/python -m client_async.schemas projects/demo/schemas

docs: $(READY)
	$(BIN)/python -m client_async.state_diagram docs/states.md
	$(BIN)/python -m tests.contract.fault_matrix docs/faults.md

screenshots: $(READY)
	$(BIN)/python -m tests.browser.screenshots docs/images

clean:
	rm -rf $(VENV)

# Debian ships Python without venv: root gets it installed, anybody else is told how.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "starsend needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  if [ "$$(id -u)" = 0 ]; then echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; \
	  else echo "Python's venv is missing; run: sudo apt-get install python3-venv" >&2; exit 1; fi
	@echo "setting up $(VENV) (once; about half a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
