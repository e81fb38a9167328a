# make demo: the main job, from nothing. make test: the tests that need nothing else. make test-all: every
# test, with coverage. .ci/run: these and every other gate.

PYTHON ?= python3
VENV := .venv
PORT ?= 8000
BIN := $(VENV)/bin
LOCALE := api_guard/locale
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check

# The tests start hundreds of processes: none should compile again what another one has.
unexport PYTHONDONTWRITEBYTECODE
# The example says where a device's user goes.
export PORT

.PHONY: demo test test-all fix lint types imports docs messages picture wheel bench clean

# The example, on http://127.0.0.1:$(PORT)
demo: $(VENV)/demo.stamp
	@$(BIN)/python example_project/manage.py demo --port $(PORT)

# What needs SQLite and this process only.
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

# Everything, with the coverage.
test-all: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -q -n 2 --dist worksteal --cov --cov-report=term

fix: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/typos --write-changes

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/typos

types: $(VENV)/dev.stamp
	$(BIN)/mypy

imports: $(VENV)/dev.stamp
	$(BIN)/lint-imports

# The pictures of the README and the docs, from the example as it is. Needs Chromium and curl.
picture: $(VENV)/dev.stamp
	$(BIN)/python docs/picture.py
	$(BIN)/python docs/admin_pictures.py

docs: $(VENV)/dev.stamp
	@command -v dot >/dev/null || { \
		echo "The docs draw a picture with graphviz: install Debian's package graphviz." >&2; exit 1; }
	$(BIN)/python -m sphinx -nW --keep-going -b html docs docs/_build/html

# The translations, from the texts in the code: finds what is new, and compiles what is translated. English
# repeats the texts.
messages: $(VENV)/dev.stamp
	@command -v msgen >/dev/null || { \
		echo "Translations need gettext: install Debian's package gettext." >&2; exit 1; }
	cd api_guard && $(abspath $(BIN))/python -m django makemessages --all --no-location --no-wrap --no-obsolete
	msgattrib --clear-fuzzy --empty --no-wrap -o $(LOCALE)/en/LC_MESSAGES/django.po $(LOCALE)/en/LC_MESSAGES/django.po
	msgen --no-wrap -o $(LOCALE)/en/LC_MESSAGES/django.po $(LOCALE)/en/LC_MESSAGES/django.po
	sed -i '/^"POT-Creation-Date: /d' $(LOCALE)/*/LC_MESSAGES/django.po
	cd api_guard && $(abspath $(BIN))/python -m django compilemessages

wheel: $(VENV)/dev.stamp
	rm -rf build dist
	$(BIN)/python -m build --wheel

# DATABASE_URL and REDIS_URL choose what is measured, SQLite and local memory without them. The load of several
# processes needs both, and Debian's package wrk.
bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.guard
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.parsers
	$(BIN)/python -m benchmarks.serializers
	$(BIN)/python -m benchmarks.growth growth.json
	$(BIN)/python -m benchmarks.plots growth.json growth.svg
	$(BIN)/python -m benchmarks.input 10

clean:
	rm -rf $(VENV) build dist docs/_build

# An environment is complete when its stamp is there, and is brought up to date with the metadata.
$(VENV)/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed, and $(PYTHON) is not: make PYTHON=python3.13 ..." >&2; \
		exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/demo.stamp: $(VENV)/pip.stamp pyproject.toml setup.cfg
	@echo "Installing into $(VENV) what the demo needs, once; this takes a minute."
	@$(PIP) -q --editable . --group demo
	@touch $@

$(VENV)/dev.stamp: $(VENV)/pip.stamp pyproject.toml setup.cfg
	@echo "Installing into $(VENV) what the tests need, once; this takes two minutes."
	@$(PIP) -q --editable . --group dev
	@touch $@
