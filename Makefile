# Two commands on a fresh clone, with nothing but Python 3.11 to 3.13:
#   make demo    sets up, explains the bundled cat with all nine methods: out/compare.png
#   make test    sets up, checks style and types, runs the tests against the installed wheel
# And make test-torch: PyTorch, Keras on PyTorch and on JAX, in an environment of its own without TensorFlow;
# make docs: the site, build/site/index.html.
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
FRAMEWORKS := $(wildcard $(addprefix tests/frameworks/,torch no_tensorflow keras_torch keras_jax))
PLUGIN_SOURCES := $(PLUGIN) $(if $(PLUGIN),$(shell find plugins_example -name __pycache__ -prune -o -name '*.py' -print))

# A stranger's settings must not decide what the tests import.
unexport PYTHONPATH PYTHONHOME

.PHONY: demo test test-torch lint format wheel docs clean
.DEFAULT_GOAL := demo

demo: .venv/.demo
	@mkdir -p out
	$(BIN)/visioncam compare examples/chelsea.png --geometry resize -o out/compare.png

# The example's tests run by themselves, as those of any plugin do.  worksteal: each worker takes a half in order, so that
# what the tests of a file share is made once.
test: lint
	@sh .ci/run-tests $(BIN) "$(TESTS)" -n $(JOBS) --dist worksteal --ignore="$(CURDIR)/tests/frameworks" $(ARGS)

test-torch: .venv-torch/.test
	@sh .ci/run-tests .venv-torch/bin "$(FRAMEWORKS)" -n $(JOBS) --dist worksteal $(ARGS)

lint: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: dist/.built

docs: .venv/.test
	$(BIN)/python tools/site.py

clean:
	rm -rf .venv .venv-torch build dist out .mypy_cache .pytest_cache .ruff_cache

# ---- stamp files: each names a step that is done, so that the second call is quick

.venv/.created:
	@sh .ci/make-venv .venv $(PYTHON)
	@touch $@

.venv-torch/.created:
	@sh .ci/make-venv .venv-torch $(PYTHON)
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
	$(INSTALL) "$$(echo dist/visioncam-*.whl)[demo,test,dev,docs]" $(if $(PLUGIN),./plugins_example)
	@touch $@ .venv/.demo

# pip cannot leave TensorFlow out, so what the wheel needs is put in first.
.venv-torch/.test: dist/.built tools/requirements.py .venv-torch/.created
	.venv-torch/bin/python tools/requirements.py torch jax test-torch --without tensorflow --headless \
	    > .venv-torch/requirements.txt
	.venv-torch/bin/python -m pip install $(if $(wildcard $@),--quiet) -r .venv-torch/requirements.txt
	.venv-torch/bin/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	@touch $@
