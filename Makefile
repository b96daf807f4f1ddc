# Needs `python3` (3.11 or newer) and `cargo`. `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export CARGO_TERM_PROGRESS_WHEN ?= never

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name 'Cargo.toml' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help serve install test test-data check-rust check-python bench wheel clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

serve: $(VENV)/.installed  ## build, bring the default model, serve on 127.0.0.1:11434
	@$(BIN)/python -m ollamars.cli.default_model
	@exec $(BIN)/ollamars serve

install: $(VENV)/.installed  ## set up .venv with ollamars and all that it needs

test: $(VENV)/.installed $(VENV)/.test-tools check-rust check-python  ## every check: Rust and Python

check-rust:  ## rustfmt, clippy, cargo test
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	cargo test --release --workspace

check-python: $(VENV)/.installed $(VENV)/.test-tools  ## ruff, mypy, import directions, pytest
	$(BIN)/ruff check python tests bench
	$(BIN)/ruff format --check python tests bench
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest ollamars._core
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

test-data: $(VENV)/.installed $(VENV)/.test-tools  ## bring the models that the recorded data is about, where it is there
	$(BIN)/python tests/fetch.py

bench: $(VENV)/.installed $(VENV)/.test-tools  ## measure next to llama.cpp; results in bench/results, docs/performance.md
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python bench/run.py
	$(BIN)/python bench/run.py --long --rounds 3 --only qwen2.5-0.5b-q4_k_m --only llama-3.2-1b-q4_k_m --name cpu-long
	$(BIN)/python bench/run.py --level avx2 --peer avx2 --only qwen2.5-0.5b-q4_k_m --name cpu-avx2
	$(BIN)/python bench/prompts.py
	$(BIN)/python bench/neighbours.py
	$(BIN)/python bench/report.py

wheel: $(VENV)/.venv-ready  ## a wheel in dist/ that installs without a compiler
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) dist target

# Stamps: a second run does only what changed. The environment is set up in three steps, so that
# `make serve` does not wait for tools that only tests need.
$(VENV)/.venv-ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ollamars needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@command -v cargo >/dev/null || \
	  { echo "ollamars needs a Rust toolchain: install it from your distribution or with rustup"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' 'maturin>=1.16,<2'
	@touch $@

$(VENV)/.installed: $(VENV)/.venv-ready pyproject.toml $(RUST_SOURCES)
	@echo "building ollamars (the first time takes some minutes) ..."
	$(BIN)/maturin develop --release --quiet
	@touch $@

$(VENV)/.test-tools: $(VENV)/.venv-ready pyproject.toml
	$(BIN)/python -m pip install --quiet --group test
	@touch $@
