# Everything starts here: `make demo` and `make test` do all the set-up, in .venv and build/, nothing elsewhere.

PYTHON ?= python3
RELEASE ?= stable
ENGINE ?= docker
IMAGE ?= peakproof:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BIN := .venv/bin
STAMP := .venv/.installed
# Tests run in processes by the groups of tests/groups.py. They wait more than they compute, so there are two processes more
# than there are cores; the heavy ones compute.
PARALLEL := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2) --maxprocesses 5 --max-worker-restart 0
HEAVY := -n logical --maxprocesses 4 --max-worker-restart 0
# Tests start hundreds of processes: without kept bytecode each compiles what it imports anew, and half its time is that.
unexport PYTHONDONTWRITEBYTECODE
# NumPy's threads spin: they cost each of those processes up to a quarter of a second, and no test computes with matrices.
test test-heavy coverage: export OPENBLAS_NUM_THREADS := 1

.PHONY: help setup demo test test-heavy coverage check format lock dashboards rules schemas metrics bench-engine bench-exporters bench-pages bench-stop bench-judge bench-audit bench-gate mutate prove-alerts prove-demo prove-gate prove-comparisons prove-audit fuzz dist image clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP)  ## .venv with exactly what requirements.lock names

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Peakproof needs Python 3.11 or newer as $(PYTHON): on Debian, apt-get install python3 python3-venv; or make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Peakproof needs Python's venv: on Debian, apt-get install python3-venv"; exit 1; }
	@command -v git >/dev/null || { echo "Peakproof needs git: on Debian, apt-get install git"; exit 1; }
	@echo "setting up .venv (once; about half a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@mkdir -p build && awk '/^[^ ]/ {own = /^uv==/} own' requirements.lock > build/uv.txt
	@$(BIN)/python -m ensurepip -q >/dev/null 2>&1; $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r build/uv.txt
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## a holiday peak against the stand-in shop: run, judge, report (RELEASE=slow-checkout for a bad one)
	@$(BIN)/peakproof demo --release $(RELEASE)

test: $(STAMP)  ## all tests but the heavy ones
	$(BIN)/python -m pytest -m "not heavy" $(PARALLEL) --durations 15

test-heavy: $(STAMP)  ## tests that need a browser, a database server or minutes
	$(BIN)/python -m pytest -m heavy $(HEAVY) --durations 15

coverage: $(STAMP)  ## branches that the tests take, by room (the heavy ones left out)
	@mkdir -p build/coverage && rm -f build/coverage/data*
	@code=0; $(BIN)/python -m coverage run -m pytest -m "not heavy" $(PARALLEL) -q || code=$$?; \
	  $(BIN)/python -m coverage combine -q && $(BIN)/python -m coverage json -q -o build/coverage/report.json && \
	  $(BIN)/python -m tests.coverage_by_room build/coverage/report.json || exit 1; exit $$code

check: $(STAMP)  ## style, types, floors, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/peakproof dashboards check
	$(BIN)/python -m scripts.schemas --check
	$(BIN)/python -m scripts.metrics_reference --check

format: $(STAMP)  ## lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)  ## resolve requirements.lock anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --upgrade --no-header --no-annotate --no-emit-index-url \
	  --group dev --extra browser --extra sql pyproject.toml -o requirements.lock

dashboards: $(STAMP)  ## generate Grafana's dashboards anew
	$(BIN)/peakproof dashboards build

rules: $(STAMP)  ## generate the stack's alerting rules and their tests anew
	$(BIN)/python -m scripts.rules.stack

schemas: $(STAMP)  ## generate docs/schemas anew
	$(BIN)/python -m scripts.schemas

metrics: $(STAMP)  ## generate docs/metrics.md anew
	$(BIN)/python -m scripts.metrics_reference

bench-engine: $(STAMP)  ## the load engine against FastHttpUser and wrk (under ten minutes; needs nginx, wrk, two cores)
	@$(BIN)/python -P -m scripts.benches.engine $(ARGUMENTS)

bench-exporters: $(STAMP)  ## exporters: exposition, a source that hangs, a large inventory (under ten minutes; needs Prometheus, PostgreSQL)
	@$(BIN)/python -P -m scripts.benches.exporters

bench-pages: $(STAMP)  ## size of a run's pages, and how soon their first chart stands (some minutes; needs Chromium)
	@$(BIN)/python -P -m scripts.benches.pages

bench-stop: $(STAMP)  ## how soon the kill URL ends a run, with its directory whole (two minutes)
	@$(BIN)/python -P -m scripts.benches.stopping

bench-judge: $(STAMP)  ## ten and twenty million requests judged, against DuckDB's own quantiles (some minutes, 2 GB of disk)
	@$(BIN)/python -P -m scripts.benches.judging

bench-audit: $(STAMP)  ## a million orders audited, against DuckDB's plain join of the same rows (some minutes, 1 GB of disk)
	@$(BIN)/python -P -m scripts.benches.audit $(ARGUMENTS)

prove-alerts: $(STAMP)  ## every alert drilled, and rules changed on purpose (needs Prometheus and Alertmanager)
	@$(BIN)/python -P -m scripts.benches.exporters --only detection --only mutants --name alerts

prove-demo: $(STAMP)  ## ten good and ten slow demos in a row with a core kept busy (about 55 minutes, resumable)
	$(BIN)/python -P -m scripts.proofs.demo

bench-gate: $(STAMP)  ## how often a comparison of two releases is wrong, on releases of known truth (under ten minutes)
	@$(BIN)/python -P -m scripts.benches.comparing $(ARGUMENTS)

prove-gate: $(STAMP)  ## how often any verdict is wrong: gate, then comparison (an hour, resumable; ARGUMENTS=--quick: a minute)
	@code=0; $(BIN)/python -P -m scripts.benches.gate $(ARGUMENTS) || code=$$?; \
	  $(BIN)/python -P -m scripts.benches.comparing --prove $(COMPARED) $(filter --quick,$(ARGUMENTS)) || code=$$?; exit $$code

prove-comparisons: $(STAMP)  ## a release compared with itself by the real engine, recorded (16 jobs of 14 minutes, resumable)
	@$(BIN)/python -P -m scripts.proofs.comparisons $(ARGUMENTS)

prove-audit: $(STAMP)  ## six data faults named, and fifty honest runs with time-outs of which nothing is reported (resumable)
	@$(BIN)/python -P -m scripts.proofs.audits $(ARGUMENTS)

dist: $(STAMP)  ## wheel and source distribution with their checksums, in dist/ (TAG=v1.2.0: only if that is the version)
	@$(BIN)/python -P -m scripts.dist $(if $(TAG),--tag $(TAG))

image:  ## the image, by ENGINE=docker or podman, as peakproof:VERSION or IMAGE=name:tag
	$(ENGINE) build -t $(IMAGE) .

fuzz: $(STAMP)  ## 200,000 inputs for every parser of what isn't trusted (two hours of a core, resumable; ARGUMENTS="--only har --minutes 5")
	@$(BIN)/python -m tests.fuzzing $(ARGUMENTS)

mutate: $(STAMP)  ## changes of statistics, verdict and comparison that the tests must fail on (a quarter of an hour, resumable)
	@$(BIN)/python -P -m scripts.benches.mutation $(ARGUMENTS)

clean:  ## remove .venv and build/
	rm -rf .venv build
