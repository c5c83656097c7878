# One command per need, the same by hand and in CI. `make` alone lists them.

# A fresh machine needs only make and Python 3.11 or newer.

# bash, so that a pipeline fails when any part of it does.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m

SERVICES := intake workflow analytics
# The files must be the same wherever they are made: no index address, no local wheel folder, and not
# Motcua itself, which its own extras name.
LOCK := CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	--unsafe-package motcua --build-deps-for editable $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help setup check lint types imports architecture schemas-check deployment rules test test-long property test-kafka coverage \
	crash crash-sink herd oracle mutants bench-clock bench-workflow bench-sink bench-latency bench-freshness bench-rebuild demo up tour down status lock schemas tools clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set up

setup: $(VENV)/.installed ## make .venv from the lock (hashes checked) and install Motcua into it

$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Motcua needs Python 3.11 or newer, this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	PYTHONWARNINGS=ignore $(RUN) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

tools: ## install promtool (Debian's prometheus), when root and apt-get are there
	@if command -v promtool >/dev/null; then echo "promtool is installed"; \
	elif ! command -v apt-get >/dev/null; then echo "no apt-get here: install promtool by hand"; \
	elif [ "$$(id -u)" != 0 ]; then echo "not root: run 'sudo make tools' to install promtool"; \
	else apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends prometheus >/dev/null && promtool --version | head -1; fi

# --- prove

check: lint types imports schemas-check deployment rules architecture ## everything that needs no running stack: style, types, structure

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy . .ci/check_figures.py

imports: setup
	$(BIN)/lint-imports

schemas-check: setup
	$(RUN) contracts.schemas --check
	$(RUN) contracts.transitions_page --check
	$(RUN) services.workflow.refusals_page --check

deployment: setup
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/ci.yml

rules:
	@if command -v promtool >/dev/null; then promtool check rules deploy/prometheus/rules/*.yml && \
		promtool check config --syntax-only deploy/prometheus/prometheus.yml; \
	else echo "promtool is not installed ('make tools'): alert rules not checked by it"; fi

architecture: setup
	$(RUN) pytest -q tests/architecture

# Side by side, since one waits for a process while another computes: three for two cores. A file stays with one
# of them: what its tests share starts once.
TESTERS ?= 3
test: setup ## the whole test suite, but for what takes minutes; TESTERS=1 for one test at a time
	$(RUN) pytest -m "not long" --tb=short --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

test-long: setup ## the herd and the benches, small; every end of a rebuild and a repair: an hour or more
	$(RUN) pytest -m long

RUNS ?= 20
property: setup ## what is drawn at random, again and again: RUNS=20
	for run in $$(seq $(RUNS)); do $(RUN) pytest -q --tb=short tests/property || exit 1; done

# What meets a broker. Minutes: each test that wants a broker of its own starts one.
KAFKA_TESTS := tests/unit/test_apache_parts.py \
	$(addprefix tests/integration/test_,apache_needs.py topics_broker.py workflow_worker.py intake_broker.py \
	intake_service.py sink_real.py sink_repair_real.py stack_whole.py apache_cluster.py apache_producers.py apache_stack.py) \
	$(addprefix tests/e2e/test_,chain.py apache_chain.py)
test-kafka: setup ## what meets a broker, on Apache Kafka: one server and three (needs Java 17, and Maven once)
	MOTCUA_TEST_BROKER=apache $(RUN) pytest --timeout 300 $(KAFKA_TESTS)

coverage: setup ## 100 % branch coverage of the domains, contracts and legalclock
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/unit tests/property tests/contract
	$(BIN)/coverage report

SEED ?= 1
SCHEDULES ?= 2000
REAL ?= 0
crash: setup ## random crashes of the engine in a model: SEED=1 SCHEDULES=2000; of real processes: REAL=10 BROKER=apache BROKERS=3
	$(RUN) tests.crash.run --seed $(SEED) --schedules $(SCHEDULES) --real $(REAL) --broker $(BROKER) --brokers $(BROKERS)

crash-sink: setup ## random crashes of the sink in a model: SEED=1 SCHEDULES=2000; of real processes: REAL=1 SCHEDULES=10 BROKER=apache AWAY=60
	$(RUN) tests.crash.sink.run --seed $(SEED) $(if $(filter file,$(origin SCHEDULES)),,--schedules $(SCHEDULES)) \
		--real $(REAL) --broker $(BROKER) $(if $(AWAY),--away $(AWAY))

DOSSIERS ?= 1000000
herd: setup ## a million dossiers due in one second, commands beside, a kill: DOSSIERS=1000000 BROKER=tansu|apache
	MOTCUA_TEST_BROKER=$(BROKER) $(RUN) tests.crash.herd.run --dossiers $(DOSSIERS)

# Minutes, not seconds: by hand, and before a release.
CASES ?= 1000000
oracle: setup ## the legal clock against a slow second one: CASES=1000000, and all procedures of MOTCUA_DATA
	$(RUN) tests.oracles.compare --cases $(CASES) --processes 2

mutants: setup ## change the legal clock in every place, one at a time: do the tests notice?
	$(RUN) bench.mutants $(MODULES)

bench-clock: setup ## how fast the legal clock is beside others; fails when a wanted ratio is missed
	$(RUN) bench.clock

# What is measured against, in an environment of its own: the project's stays what the services need.
BENCH_VENV ?= .venv-bench
define install_bench
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r $<
	@touch $@
endef
$(BENCH_VENV)/.installed: bench/requirements.txt
	$(install_bench)
$(BENCH_VENV)-%/.installed: bench/requirements-%.txt
	$(install_bench)

bench-workflow: setup $(BENCH_VENV)/.installed ## the worker beside stock Faust, its CPU beside SpiffWorkflow; PROFILE_IT=1
	@failed=0; \
	PATH="$$PATH:$(abspath $(BENCH_VENV))/bin" $(RUN) bench.workflow --broker $(BROKER) $(if $(PROFILE_IT),--profile) || failed=1; \
	$(RUN) bench.chain --broker $(BROKER) --spiff $(BENCH_VENV)/bin/python || failed=1; exit $$failed

BENCH_SINK := $(addprefix $(BENCH_VENV),/.installed -arroyo/.installed -quix/.installed)
bench-sink: setup $(BENCH_SINK) ## CPU a fact costs the sink, beside reading alone, sentry-arroyo and quixstreams; PROFILE_IT=1
	PATH="$$PATH:$(abspath $(BENCH_VENV))/bin" $(RUN) bench.sink --broker $(BROKER) \
		--arroyo $(BENCH_VENV)-arroyo/bin/python --quix $(BENCH_VENV)-quix/bin/python $(if $(PROFILE_IT),--profile)

bench-latency: setup ## how long Prefer: wait takes at 200 commands/s, open loop (BROKER=apache)
	$(RUN) bench.latency --broker $(BROKER)

bench-freshness: setup ## how soon a fact can be queried at 10, 100 and 1 000 facts/s; what idling costs (BROKER=apache)
	$(RUN) bench.freshness --broker $(BROKER)

bench-rebuild: setup ## how long the roll-ups take to be made anew: DOSSIERS="10000 100000 1000000"
	$(RUN) bench.rebuild --dossiers $(DOSSIERS)

# --- run

PROFILE ?= yen-chau-2020
SCALE ?= 0.05
# tansu (in memory, nothing else needed) or apache (needs Java and Maven, keeps its data).
BROKER ?= tansu
BROKERS ?= 1

demo: setup ## a district's year through the whole chain on this machine, figures and reconciliation at the end
	$(BIN)/motcua simulate --profile $(PROFILE) --seed 1 --scale $(SCALE) | \
		$(BIN)/motcua replay --broker $(BROKER) --brokers $(BROKERS) -

up: setup ## the one-machine stack in the foreground (BROKER=apache: Apache Kafka, data kept)
	$(BIN)/motcua up --broker $(BROKER) --brokers $(BROKERS)

tour: setup ## one dossier's day on the running stack (or one of its own): the steps, two refusals, the due date explained
	$(BIN)/motcua tour

down: setup ## stop the stack of this folder
	$(BIN)/motcua down

status: setup ## what runs, where, and whether it is ready
	$(BIN)/motcua status

# --- keep

lock: setup ## renew the locks from pyproject.toml (UPGRADE=1: newest versions)
	$(LOCK) --extra dev --output-file requirements.lock pyproject.toml
	@sed -i '/^# WARNING: The following packages were not pinned/,$$d' requirements.lock
	@# An image runs what the suite was run with: the same versions, only fewer.
	for service in $(SERVICES); do \
		$(LOCK) --extra $$service --constraint requirements.lock \
			--output-file requirements-$$service.lock pyproject.toml; done

schemas: setup ## write contracts/schemas/*.json and docs/transitions.md from the message types and the table
	$(RUN) contracts.schemas --write
	$(RUN) contracts.transitions_page --write
	$(RUN) services.workflow.refusals_page --write

clean: ## remove the environment, caches and the stack's state
	rm -rf $(VENV) $(BENCH_VENV) $(BENCH_VENV)-* .motcua build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
