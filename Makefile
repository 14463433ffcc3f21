# make train   set up all that is needed, then teach the embedded model Prolog (minutes, no GPU)
# make setup   set up all that is needed, and no more
# make test    set up all that is needed, then run linters, type checks and the tests
# make check   linters, type checks and the unit tests alone, in under a minute; needs neither SWI-Prolog nor bubblewrap
# make bench   train each language of the embedded model with three seeds; prints the first table of docs/results.md (hours)
# make bench-judge   time the judge, and try whether it is deterministic and lasts (20,000 programs); some minutes
#
# Setting up is done once. LANGUAGE=..., ARGS="--seed 1" go to `lowres-code train`.

PYTHON ?= python3
# Without a GPU a CPU build of torch is enough. If your index serves only large CUDA builds, name another here.
TORCH ?= torch==2.13.0
LANGUAGE ?= prolog
ARGS ?=

BIN := .venv/bin
# glibc gives big blocks back to the system after each use; keeping them makes training on a CPU a fifth faster.
TRAINING_ENV := MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456

# What the judge needs, by a command and Debian's package.
NEEDED := swipl:swi-prolog-nox bwrap:bubblewrap

# The languages whose backends `make test` tries for certain, likewise (others are tried where they are installed), and a
# browser, in which it looks at the report.
TOOLCHAINS := sbcl:sbcl lua5.4:lua5.4 guile:guile-3.0 ocamlc:ocaml-nox gfortran:gfortran gforth:gforth tclsh:tcl chromium:chromium chromedriver:chromium-driver

.PHONY: train test check lint bench bench-judge setup system toolchains clean

train: setup
	$(TRAINING_ENV) $(BIN)/lowres-code train --lang $(LANGUAGE) $(ARGS)

check: .venv/.test-ready lint
	$(BIN)/pytest -q -n 2 -p no:cacheprovider tests/unit

lint: .venv/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

test: .venv/.test-ready system toolchains lint
	$(TRAINING_ENV) OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 1

bench: .venv/.test-ready system toolchains
	$(TRAINING_ENV) $(BIN)/python -m tests.benchmarks.learning runs/benchmark

bench-judge: .venv/.test-ready system
	$(BIN)/lowres-code lang bench $(LANGUAGE)
	$(BIN)/python -m tests.benchmarks.judging determinism
	$(BIN)/python -m tests.benchmarks.judging endurance

setup: .venv/.ready system

# The system's packages: only what is missing, through sudo only if this is not root. Without them the rest is set up all
# the same: another isolation may work here, and not every language is Prolog.
system:
	@missing=""; \
	for tool in $(NEEDED); do $(is-missing); done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	$(call install,0)

# The tests and the benchmarks need all.
toolchains: system
	@missing=""; \
	for tool in $(NEEDED) $(TOOLCHAINS); do $(is-missing); done; \
	$(call install,1)

is-missing = command -v "$${tool%%:*}" >/dev/null || missing="$$missing $${tool\#\#*:}"

# $(1): the exit code where they cannot be installed.
define install
	test -z "$$missing" && exit 0; \
	as_root="env"; test "$$(id -u)" = 0 || as_root="sudo env"; \
	if ! command -v apt-get >/dev/null; then \
	  echo "missing:$$missing; there is no apt-get here: install them with your system's package manager (lowres-code doctor says what works without)"; exit $(1); \
	fi; \
	if test "$$(id -u)" != 0 && ! command -v sudo >/dev/null; then \
	  echo "missing:$$missing; there is no sudo here: run as root: apt-get install$$missing (lowres-code doctor says what works without)"; exit $(1); \
	fi; \
	echo "installing$$missing"; \
	{ $$as_root apt-get update -q && \
	  $$as_root DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get install -y -q --no-install-recommends $$missing; } >.system.log 2>&1 \
	|| { echo "missing:$$missing; they cannot be installed (see .system.log; no network?): apt-get install$$missing"; exit $(1); }; \
	rm -f .system.log
endef

.venv/bin/python: | system
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is older than 3.10: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "cannot make .venv: install Python 3.10 or later with venv (apt-get install python3-venv)"; exit 1; }

.venv/.ready: pyproject.toml | .venv/bin/python
	@echo "installing Python packages into .venv (some minutes the first time)"
	@if command -v nvidia-smi >/dev/null || $(BIN)/python -c "import torch" 2>/dev/null; then :; else \
	  $(BIN)/pip install -qq --disable-pip-version-check $(TORCH) || { echo "cannot install $(TORCH); no network?"; exit 1; }; fi
	@$(BIN)/pip install -qq --disable-pip-version-check -e . || { echo "cannot install this package; no network?"; exit 1; }
	@touch $@

.venv/.test-ready: .venv/.ready
	@$(BIN)/pip install -qq --disable-pip-version-check -e ".[test]" || { echo "cannot install the test tools; no network?"; exit 1; }
	@touch $@

clean:
	rm -rf .venv build dist
