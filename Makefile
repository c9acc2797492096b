# Two commands on a fresh clone, with nothing but Python 3.11 to 3.13:
#   make demo    sets up, explains the bundled cat with all nine methods: out/compare.png
#   make test    sets up, checks style and types, runs the tests against the installed wheel
# Another Python: make test PYTHON=python3.12.  More for pytest: make test ARGS='-k layout -n 0'.

PACKAGES := visioncam visioncam_core visioncam_methods visioncam_viz
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
JOBS ?= 2

# The folders are listed too: their time changes when a file comes or goes.
SOURCES := pyproject.toml README.md LICENSE $(shell find $(PACKAGES) -name __pycache__ -prune -o -print)
PLUGIN := $(wildcard plugins_example/pyproject.toml)
PLUGIN_SOURCES := $(if $(PLUGIN),$(shell find plugins_example -name __pycache__ -prune -o -name '*.py' -print) $(PLUGIN))

# A stranger's settings must not decide what the tests import.
unexport PYTHONPATH PYTHONHOME

.PHONY: demo test lint format wheel clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.demo
	@mkdir -p out
	$(BIN)/visioncam compare examples/chelsea.png -o out/compare.png

# From an empty folder, so that nothing but the installed wheel can be imported.
test: lint
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT INT TERM && cd "$$work" && \
	VISIONCAM_TEST_INSTALLED=1 $(BIN)/pytest -c $(CURDIR)/pyproject.toml --rootdir=$(CURDIR) -n $(JOBS) \
	    $(CURDIR)/tests $(if $(PLUGIN),$(CURDIR)/plugins_example/tests) $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: dist/.built

clean:
	rm -rf $(VENV) dist out .mypy_cache .pytest_cache .ruff_cache

# ---- stamp files: each names a step that is done, so that the second call is quick

$(VENV)/.created:
	@sh .ci/make-venv $(VENV) $(PYTHON)
	@touch $@

dist/.built: $(SOURCES) $(VENV)/.created
	@rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@touch $@

$(VENV)/.demo: dist/.built
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	$(BIN)/python -m pip install "$$(echo dist/visioncam-*.whl)[demo]"
	@touch $@

$(VENV)/.test: dist/.built $(PLUGIN_SOURCES)
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	$(BIN)/python -m pip install "$$(echo dist/visioncam-*.whl)[demo,test,dev]" $(if $(PLUGIN),./plugins_example)
	@touch $@ $(VENV)/.demo
