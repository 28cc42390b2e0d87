# Two commands do everything: `make run` and `make test`. The rest is for long campaigns.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Hundreds of processes are started by the tests: each would compile all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test shared-tests lint faults bench lock clean qt-libraries test-packages debian-packages

run: $(VENV)/.run-installed qt-libraries
	$(BIN)/fieldsurvey demo $(ARGS)

# Debian's packages and Python's come at the same time: each waits for network and disk. Tests often
# wait too, so four run on two cores, beside the linters; those that measure time or rates come after
# and have the machine to themselves.
test: $(VENV)/bin/python
	$(MAKE) --no-print-directory -j3 -Otarget $(VENV)/.dev-installed $(VENV)/.spark-installed test-packages
ifdef ARGS
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest $(ARGS)
else
	$(MAKE) --no-print-directory -k -j2 lint shared-tests; \
	  shared=$$?; $(BIN)/pytest -m "alone and not faults and not bench" && exit $$shared
endif

shared-tests:
	$(BIN)/pytest -m "not alone and not faults and not bench" -n 4 --dist loadgroup --no-loadscope-reorder

lint: $(VENV)/.dev-installed $(VENV)/.spark-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

# Thousands of kills and whole drives: hours, not minutes.
faults: $(VENV)/.dev-installed $(VENV)/.spark-installed test-packages
	$(BIN)/pytest -m faults --timeout=0 -o faulthandler_timeout=0 -s $(ARGS)

# Ratios against peers measured in the same run.
bench: $(VENV)/.dev-installed $(VENV)/.spark-installed test-packages
	$(BIN)/pytest -m bench --timeout=0 -o faulthandler_timeout=0 -s -p no:randomly $(ARGS)

$(VENV)/bin/python:
	packaging/system-packages python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-installed: packaging/requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r packaging/requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q fieldsurvey
	touch $@

# Not compiled: half of what tests bring is never imported, and the rest compiles itself once.
$(VENV)/.dev-installed: packaging/requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-compile --require-hashes -r packaging/requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q fieldsurvey
	touch $@

$(VENV)/.spark-installed: packaging/requirements-spark.lock | $(VENV)/bin/python
	$(PIP) install --no-compile --require-hashes -r packaging/requirements-spark.lock
	touch $@

# Without root this names the line to type; the demo then runs without a window.
qt-libraries: $(VENV)/.run-installed
	packaging/system-packages $$($(BIN)/python -m fieldsurvey.gui.system_libraries) || true

test-packages: debian-packages $(VENV)/.dev-installed
	packaging/system-packages $$($(BIN)/python -m fieldsurvey.gui.system_libraries)

# After the environment, which may need a package itself: apt does one thing at a time.
# Node's own packages bring an npm that Debian's npm conflicts with: any npm will do.
debian-packages: $(VENV)/bin/python
	packaging/system-packages $$(cat packaging/test-packages.txt) $$(command -v npm >/dev/null || echo npm)

# Needs uv; the files it writes hold hashes and no host.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate --quiet --extra osm --extra hq --extra s3 \
	  --group build pyproject.toml -o packaging/requirements.lock
	uv pip compile --universal --generate-hashes --no-header --no-annotate --quiet --extra osm --extra hq --extra s3 \
	  --group build --group dev pyproject.toml -c packaging/requirements.lock \
	  -o packaging/requirements-dev.lock
	uv pip compile --universal --generate-hashes --no-header --no-annotate --quiet \
	  --group spark -o packaging/requirements-spark.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
