# Two commands do everything on a fresh machine:
#   make search   makes the environment, installs, and runs a real search (some minutes)
#   make test     makes the environment and passes the tests
# and one more measures the engine on this device (an hour; a GPU where there is one):
#   make measure CIFAR10=/path/to/cifar10    writes measured/README.md
# Python 3.11 or newer is needed; PYTHON=python3.12 chooses one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: search test measure environment clean

search: $(INSTALLED)
	$(BIN)/optunas run studies/digits.py

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

measure: $(INSTALLED)
	CIFAR10='$(CIFAR10)' $(BIN)/python tests/performance/everything.py --out measured

environment: $(INSTALLED)

# made anew when the dependencies change
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "optunas needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
