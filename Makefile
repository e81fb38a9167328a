PYTHON ?= python3
VENV := .venv
PORT ?= 8000

.PHONY: demo

# The example, on http://127.0.0.1:$(PORT)
demo: $(VENV)/demo.stamp
	@$(VENV)/bin/python example_project/manage.py demo --port $(PORT)

$(VENV)/demo.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or later is needed, and $(PYTHON) is not: make demo PYTHON=python3.13" >&2; \
		exit 1; }
	@echo "Installing into $(VENV), once; this takes a minute."
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -q -U pip
	@$(VENV)/bin/pip install -qq -e . --group demo
	@touch $@
