# What a person types. `make up` and `make test` do all their set-up themselves: Python 3.11 to 3.14 and git are enough.

PYTHON ?= python3
BIN := .venv/bin
COMPILED := .venv-compiled/bin
UV := $(BIN)/uv --quiet
INSTALLED := .venv/.installed
STACKS ?= web-app,session-api,messaging
UP_OPTIONS ?=
DISTRIBUTIONS := constructs engine local
BY_SOCKET := tests/engine/compat tests/engine/fuzz tests/engine/server
OTHER_TESTS := $(filter-out %/__pycache__/ $(foreach own,engine golden cdk e2e docs container local,tests/$(own)/),\
  $(wildcard tests/*/))
CAN_COMPILE := $(shell $(PYTHON) tools/compiled_build.py --can-compile && echo yes)
PYTHON_FOLDERS := constructs engine local stacks benchmarks tests tools
# Container images set it; each start of Python would compile all that it imports again: seconds for CDK, the engine, moto.
unexport PYTHONDONTWRITEBYTECODE
SOURCES = $(shell find $(1) -type f -not -path '*/build/*' -not -path '*.egg-info/*' -not -name '*.pyc')

.PHONY: coverage platform-wheels check-tag hooks
.PHONY: up test check check-architectures check-compiled lint types contracts docs pytest pytest-docs pytest-local pytest-cdk pytest-other pytest-socket pytest-e2e pytest-compiled pytest-container wheels bench image image-runner lock clean

up: $(INSTALLED)  ## Synthesise the architectures and bring them up on this machine; STACKS=memcached names others
	$(BIN)/cachetwin up -c stack=$(STACKS) $(UP_OPTIONS)

# One target of `check` more at a time than there are cores, because tests wait for others a third of their time, each of one
# process; where one fails the others still say what they found. A make without --output-sync (macOS has 3.81) goes one by
# one, with two processes each.
TARGETS_AT_ONCE := $(shell expr 1 + $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2))
WORKERS ?= 2
PYTEST = -m pytest $(if $(filter 0,$(WORKERS)),,-n $(WORKERS) --dist loadfile)

test: $(INSTALLED)  ## Set up and pass everything that CI runs
	+$(MAKE) check --keep-going $(if $(filter output-sync,$(.FEATURES)),--jobs=$(TARGETS_AT_ONCE) --output-sync=target WORKERS=0)

# The longest first. A target that waits for another one would start after all that wait for nothing, so the two chains are
# a target each.
check: check-architectures $(if $(CAN_COMPILE),check-compiled,no-compiler) pytest-local pytest-cdk pytest-other coverage \
  pytest-socket types lint contracts  ## Exactly what CI runs

# These bring whole architectures up, at the ports that their templates name: one after the other.
check-architectures: $(INSTALLED)
	+failed=; for target in pytest-e2e pytest-docs $(if $(CAN_COMPILE),pytest-container); do \
	  $(MAKE) $$target || failed=yes; done; test -z "$$failed"

check-compiled: $(INSTALLED)
	+$(MAKE) pytest-compiled

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/vulture
	$(BIN)/python -m tools.unused_constants $(PYTHON_FOLDERS)
	$(BIN)/zizmor --offline --quiet --persona pedantic .github .pre-commit-config.yaml

types: $(INSTALLED)
	$(BIN)/mypy

contracts: $(INSTALLED)
	$(BIN)/lint-imports --no-cache

docs: $(INSTALLED)  ## The documentation site, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# The tests of the engine in one process, under coverage, whose floor is in pyproject.toml: lines only, because branches
# would double the time, and not during tests that run the same few lines very often (`no_cover`). Values that a command has
# kept too long are poisoned (tests/engine/poisoned.py).
coverage: $(INSTALLED)  ## Run the engine's in-process tests, and show what of its core they leave out
	CACHETWIN_EXPECT_BUILD=pure CACHETWIN_POISON=1 $(BIN)/python $(PYTEST) tests/engine $(BY_SOCKET:%=--ignore %) --cov

pytest: pytest-e2e pytest-docs pytest-other pytest-local pytest-cdk coverage pytest-socket

pytest-local: $(INSTALLED)
	$(BIN)/python $(PYTEST) tests/local

pytest-cdk: $(INSTALLED) .venv/checkov/.installed
	$(BIN)/python $(PYTEST) tests/cdk

pytest-docs: $(INSTALLED)
	$(BIN)/python $(PYTEST) tests/docs

pytest-other: $(INSTALLED)
	$(BIN)/python $(PYTEST) $(OTHER_TESTS)

pytest-socket: $(INSTALLED)
	$(BIN)/python $(PYTEST) $(BY_SOCKET)

pytest-e2e: $(INSTALLED)
	$(BIN)/python -m pytest tests/e2e

pytest-compiled: .venv-compiled/.installed
	CACHETWIN_EXPECT_BUILD=compiled $(COMPILED)/python $(PYTEST) tests/engine

.PHONY: no-compiler
no-compiler:
	@echo "skipped: the compiled half of the tests and the images. They need a C compiler and Python's headers"

# An edit to a compiled test run in seconds. The wheel is cut and optimised in another way: engine/setup.py.
.PHONY: compiled
compiled: $(INSTALLED)  ## Compile what changed: PYTHONPATH=build/compiled/lib .venv/bin/python -m pytest tests/engine/...
	$(BIN)/python tools/compiled_build.py

# The images: as root with podman, buildah, runc and debootstrap; elsewhere the tests are skipped and say so.
pytest-container: dist/pure/.built dist/compiled/.built
	$(BIN)/python -m pytest tests/container

wheels: dist/pure/.built dist/compiled/.built  ## All wheels and source archives: dist/pure, and the engine compiled: dist/compiled

.PHONY: release
release: $(INSTALLED)  ## Check, build and tag the version in VERSION; DRY_RUN=1 tags nothing
	$(BIN)/python -m tools.release $(if $(DRY_RUN),--dry-run)

bench: .venv-compiled/.installed  ## Compare the compiled engine with redis-server on this machine
	$(COMPILED)/python -m benchmarks.compare_servers

image: dist/compiled/.built  ## The engine's container image, with docker or buildah
	container/build.sh engine

image-runner: dist/pure/.built dist/compiled/.built  ## The runner's container image
	container/build.sh runner

lock: $(INSTALLED)  ## Choose the versions anew, hashes included
	$(UV) pip compile --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
	  --no-emit-package cachetwin-engine --all-extras --group dev $(DISTRIBUTIONS:%=%/pyproject.toml) \
	  --output-file requirements.lock
	echo checkov | $(UV) pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header - --output-file requirements-checkov.lock

# The engine's compiled wheels for every supported Python; on Linux cibuildwheel makes them in a manylinux container.
platform-wheels: $(INSTALLED)  ## The engine's compiled wheels that a release has for this platform: dist/platform
	$(BIN)/cibuildwheel engine --config-file "$(CURDIR)/pyproject.toml" --output-dir dist/platform

check-tag:  ## Is TAG the tag of the version in VERSION?
	@test "$(TAG)" = "v$$(cat VERSION)" || { echo "the tag of this version is v$$(cat VERSION), got '$(TAG)'" >&2; exit 1; }

hooks: $(INSTALLED)  ## Let git run the quick checks before each commit
	$(BIN)/pre-commit install

clean:  ## Remove what the targets above made
	rm -rf .venv .venv-compiled build dist cdk.out node_modules $(DISTRIBUTIONS:%=%/build) $(DISTRIBUTIONS:%=%/*.egg-info)

$(INSTALLED): requirements.lock pyproject.toml VERSION $(DISTRIBUTIONS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 14) else \
	  "cachetwin needs Python 3.11 to 3.14, got %d.%d: name one with `make PYTHON=python3.12 ...`" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation $(DISTRIBUTIONS:%=--editable %)
	@# An editable install leaves out the file that Python reads at its start.
	cp constructs/cachetwin_cdk_node.pth "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@

# checkov wants an older boto3 than ours, so it lives apart.
.venv/checkov/.installed: requirements-checkov.lock | $(INSTALLED)
	$(UV) venv --clear --python $(BIN)/python .venv/checkov
	$(UV) pip sync --python .venv/checkov/bin/python --require-hashes requirements-checkov.lock
	@touch $@

.venv-compiled/.installed: dist/compiled/.built
	$(UV) venv --clear --python $(BIN)/python .venv-compiled
	$(UV) pip sync --python $(COMPILED)/python --require-hashes requirements.lock
	$(UV) pip install --python $(COMPILED)/python --no-deps dist/compiled/*.whl
	@# As pip does where a wheel is installed: else each start compiles the server where Python may not write.
	$(COMPILED)/python -c 'import compileall, pathlib, cachetwin_engine, mypy_extensions, uvloop; \
	  folder = pathlib.Path(cachetwin_engine.__file__).parent; \
	  [compileall.compile_dir(part, quiet=1) for part in (folder / "server", pathlib.Path(uvloop.__file__).parent)]; \
	  [compileall.compile_file(file, quiet=1) for file in (*folder.glob("*.py"), mypy_extensions.__file__)]'
	@touch $@

# Both build the engine in its folder, so not at the same time.
dist/pure/.built: $(INSTALLED) $(call SOURCES,$(DISTRIBUTIONS)) | dist/compiled/.built
	rm -rf dist/pure
	for folder in $(DISTRIBUTIONS); do \
	  $(UV) build --no-build-isolation --python $(BIN)/python --out-dir dist/pure $$folder || exit 1; \
	done
	@touch $@

dist/compiled/.built: $(INSTALLED) $(call SOURCES,engine)
	rm -rf dist/compiled engine/build
	CACHETWIN_COMPILE=1 $(UV) build --wheel --no-build-isolation --python $(BIN)/python --out-dir dist/compiled engine
	@touch $@
