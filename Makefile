# What people and CI run. Each target sets up what it needs on a fresh machine, and no more; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CLIENT := viraljs/client
# npm writes this file last, so its age says whether the lock changed since.
NODE_MODULES := $(CLIENT)/node_modules/.package-lock.json
RIVALS := benchmarks/node_modules/.package-lock.json
FIDELITY := tests/fidelity
PACKAGES := $(FIDELITY)/node_modules/.package-lock.json
# What tools make of our own sources there; they write this file last.
APPS := $(FIDELITY)/built/.done
SITES := tests/sites
# Programs of others that the sites' suite runs; they want other versions of some packages than the tests do.
VENV_SITES := .venv-sites
REACT := $(SITES)/react
PYTHON_ROOMS = $(wildcard viraljs demo_app benchmarks tests)

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test sites lint bench docs build clean system-test system-nat lint-python lint-client lint-build lint-sizes

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: $(VENV)/.demo ## start the demo site; BROWSERS=3 also opens that many headless visitors
	$(if $(BROWSERS),.ci/setup-system browsers)
	$(PY) -m demo_app $(if $(BROWSERS),--browsers $(BROWSERS))

# A test with browsers waits more than it works: two files at a time. Those of a file share browsers.
TWO_AT_A_TIME := --numprocesses=2 --dist=loadfile

test: system-test system-nat $(VENV)/.test $(NODE_MODULES) $(APPS) ## run every test; ARGS="-k matching" passes on to pytest
	npm run --silent --prefix $(CLIENT) test
	$(PY) -m pytest --ignore=$(SITES) $(or $(ARGS),$(TWO_AT_A_TIME))

# Who writes the document has all rows in one process.
sites: system-test $(VENV)/.test $(VENV_SITES)/.done $(REACT)/dist/index.html ## run programs of others with ViralJS and without; ARGS as for test; WRITE=1 renews docs/programs.inc
	SITES_WRITE=$(WRITE) $(PY) -m pytest $(SITES) $(if $(WRITE),-k test_a_program $(ARGS),$(or $(ARGS),$(TWO_AT_A_TIME)))

lint: lint-python lint-client lint-build lint-sizes docs ## check style, types, floors, the built client, its size and the docs

bench: system-test $(VENV)/.test $(RIVALS) ## measure against plain HTTP, rivals and the bounds; ARGS="loopback" names some
	$(PY) -m benchmarks $(ARGS)

docs: $(VENV)/.docs ## build the documentation into docs/_build; a warning is an error
	$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build

build: $(NODE_MODULES) ## build the client into viraljs/static
	npm run --silent --prefix $(CLIENT) build

clean: ## remove all that these targets made
	rm -rf $(VENV) $(VENV_SITES) $(CLIENT)/node_modules benchmarks/node_modules $(FIDELITY)/node_modules $(FIDELITY)/built $(REACT)/node_modules $(REACT)/dist docs/_build build dist *.egg-info .coverage .*_cache .hypothesis

# Sphinx imports the package and mypy reads the tests: both need what the tests need.
lint-python: $(VENV)/.test $(VENV)/.lint
	$(VENV)/bin/ruff check --quiet
	$(VENV)/bin/ruff format --check --quiet
	$(VENV)/bin/mypy --no-error-summary $(PYTHON_ROOMS)
	$(VENV)/bin/lint-imports --no-logo

lint-client: $(NODE_MODULES)
	npm run --silent --prefix $(CLIENT) lint
	npm run --silent --prefix $(CLIENT) check
	cd $(FIDELITY) && ../../$(CLIENT)/node_modules/.bin/biome check
	cd $(REACT) && ../../../$(CLIENT)/node_modules/.bin/biome check

# The committed build must be what the sources give. Built aside: a linter that mends the tree hides what it found.
lint-build: $(NODE_MODULES)
	built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT \
	    && npm run --silent --prefix $(CLIENT) build -- "$$built" \
	    && if ! diff --recursive --brief "$$built" viraljs/static; then \
	        echo 'viraljs/static is not what viraljs/client builds: run make build and commit the result'; exit 1; fi

lint-sizes: $(VENV)/.test
	$(PY) .ci/check-sizes

system-test:
	@.ci/setup-system browsers redis node nginx

# Only root may build the networks that these tests need; for others they are skipped, and nothing has to be installed.
system-nat:
	@[ "$$(id -u)" -ne 0 ] || .ci/setup-system nat

$(PY):
	.ci/setup-system python
	$(PYTHON) -m venv $(VENV)

# One stamp an extra of setup.cfg. --use-pep517: an editable install as every newer pip makes it, whatever pip this is.
$(VENV)/.%: setup.cfg setup.py | $(PY)
	$(PY) -m pip install --quiet --use-pep517 --editable '.[$*]'
	@touch $@

$(VENV_SITES)/.done: $(SITES)/requirements.txt setup.cfg setup.py
	.ci/setup-system python
	$(PYTHON) -m venv $(VENV_SITES)
	$(VENV_SITES)/bin/python -m pip install --quiet --use-pep517 --editable . --requirement $(SITES)/requirements.txt
	@touch $@

$(NODE_MODULES): $(CLIENT)/package.json $(CLIENT)/package-lock.json
	.ci/setup-system node
	cd $(CLIENT) && npm ci --loglevel=error
	@touch $@

# Only a file of WebTorrent runs, in browsers, and its tracker: neither needs scripts at set-up nor what is optional.
$(RIVALS): benchmarks/package.json benchmarks/package-lock.json
	.ci/setup-system node
	cd benchmarks && npm ci --ignore-scripts --omit=optional --loglevel=error
	@touch $@

# Bundles that run in browsers, and tools that build more of them.
$(PACKAGES): $(FIDELITY)/package.json $(FIDELITY)/package-lock.json
	.ci/setup-system node
	cd $(FIDELITY) && npm ci --ignore-scripts --loglevel=error
	@touch $@

$(REACT)/dist/index.html: $(REACT)/package.json $(REACT)/package-lock.json $(REACT)/vite.config.js $(REACT)/index.html \
    $(wildcard $(REACT)/src/*)
	.ci/setup-system node
	cd $(REACT) && npm ci --ignore-scripts --loglevel=error && npm run --silent build
	@touch $@

$(APPS): $(PACKAGES) $(shell find $(FIDELITY)/apps -type f)
	npm run --silent --prefix $(FIDELITY) build
	@touch $@
