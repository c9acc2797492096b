# Two commands on a fresh clone, with nothing but Python 3.11 to 3.13:
#   make demo    sets up, explains the bundled cat with all nine methods: out/compare.png
#   make test    sets up, checks style and types, runs the tests against the installed wheel
# Another Python: make test PYTHON=python3.12.  More for pytest: make test ARGS='-k layout -n 0'.

PACKAGES := visioncam visioncam_core visioncam_engines visioncam_methods visioncam_metrics visioncam_viz
BIN := .venv/bin
PYTHON ?=
ARGS ?=
JOBS ?= 2

# The folders are listed too: their time changes when a file comes or goes.
SOURCES := pyproject.toml README.md LICENSE $(shell find $(PACKAGES) -name __pycache__ -prune -o -print)
PLUGIN := $(wildcard plugins_example/pyproject.toml)
TESTS := tests $(if $(PLUGIN),plugins_example/tests)
PLUGIN_SOURCES := $(PLUGIN) $(if $(PLUGIN),$(shell find plugins_example -name __pycache__ -prune -o -name '*.py' -print))

# A stranger's settings must not decide what the tests import.
unexport PYTHONPATH PYTHONHOME

.PHONY: demo test lint format wheel clean
.DEFAULT_GOAL := demo

demo: .venv/.demo
	@mkdir -p out
	$(BIN)/visioncam compare examples/chelsea.png -o out/compare.png

# From an empty folder, so that nothing but the installed wheel can be imported.  The example's tests run by
# themselves, as a stranger's do; 5 is pytest's word for "ARGS chose no test here".
test: lint
	@here=$$(pwd) && work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && cd "$$work" && \
	    worst=0 && none=0 && for tests in $(TESTS); do \
	        VISIONCAM_TEST_INSTALLED=1 "$$here/$(BIN)/python" -m pytest -c "$$here/pyproject.toml" \
	            --rootdir="$$here" -n $(JOBS) "$$here/$$tests" $(ARGS) || \
	            case $$? in 5) none=$$((none + 1));; *) worst=1;; esac; \
	    done && test $$worst -eq 0 -a $$none -lt $(words $(TESTS))

lint: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: dist/.built

clean:
	rm -rf .venv dist out .mypy_cache .pytest_cache .ruff_cache

# ---- stamp files: each names a step that is done, so that the second call is quick

.venv/.created:
	@sh .ci/make-venv .venv $(PYTHON)
	@touch $@

dist/.built: $(SOURCES) .venv/.created
	@rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@touch $@

# The first line puts a changed wheel of the same version in; the second sees to what it depends on.
INSTALL = $(BIN)/python -m pip install $(if $(wildcard $@),--quiet)

.venv/.demo: dist/.built
	$(INSTALL) --no-deps --force-reinstall dist/*.whl
	$(INSTALL) "$$(echo dist/visioncam-*.whl)[demo]"
	@touch $@

.venv/.test: dist/.built $(PLUGIN_SOURCES)
	$(INSTALL) --no-deps --force-reinstall dist/*.whl
	$(INSTALL) "$$(echo dist/visioncam-*.whl)[demo,test,dev]" $(if $(PLUGIN),./plugins_example)
	@touch $@ .venv/.demo
