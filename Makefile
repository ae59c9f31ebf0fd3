# Everything a user types. `make repro` and `make test` set up what they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SERVICES := $(VENV)/.services

export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing phones home.
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# MLflow's job runner is not used, and slow to start.
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

.DEFAULT_GOAL := help
.PHONY: help setup setup-services repro retrain test test-slow test-services lint type check format bench bench-peers sweep ablation champion ui deploy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# torch first and alone: a CPU build satisfies every later range.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,dev]'
	touch $@

$(SERVICES): $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[services-test]'
	touch $@

setup: $(READY) ## make the environment in .venv

setup-services: $(SERVICES) ## the same, with what tests on services need

repro: setup ## run the whole pipeline: ingest, train, evaluate, export, register, gate
	dvc repro

# One thread a process: several processes share the cores.
PYTEST := OMP_NUM_THREADS=1 pytest --numprocesses auto --maxprocesses 4 --durations 12

test: setup ## run the tests, but for the slow ones
	$(PYTEST) --dist worksteal -m 'not slow and not services'

# Every process imports all files that it is given: those alone that have slow tests. Two
# processes that begin with the longest end together.
LONGEST := $(addprefix tests/,retraining/test_sync.py pipelines/test_retrain_for_real.py \
	pipelines/test_loop.py)
SLOW = $(LONGEST) $(filter-out $(LONGEST), \
	$(shell grep --recursive --files-with-matches --include='test_*.py' 'mark\.slow' tests))

# A file's tests share a project, and some tell one story in their order.
test-slow: setup ## run the slow tests
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m 'slow and not services' $(SLOW)

# They say what is missing, and are left out then; SSVIF_REQUIRE_SERVICES=1 makes that a failure.
test-services: setup-services ## run the tests on PostgreSQL, an S3 store and Ray
	$(PYTEST) --dist loadfile -m services tests/services

lint: setup ## check style and who imports whom
	ruff check .
	ruff format --check .
	lint-imports

type: setup ## check types
	mypy

check: lint type ## lint and type

format: setup ## put the code in its form
	ruff check --fix .
	ruff format .

bench: setup ## measure speed, as ratios of one run
	python -m benchmarks

bench-peers: setup ## score published methods' fused images beside this project's
	python -m benchmarks.peers

TRIALS ?= benchmarks/sweeps/weights.yaml
DATA ?= ../shared/data

sweep: setup ## train and judge variants of the method: TRIALS=FILE.yaml DATA=FOLDER
	mkdir -p docs/sweeps
	python -m benchmarks.sweep $(TRIALS) --data $(DATA) --out docs/sweeps/$(notdir $(TRIALS:.yaml=.csv))

ablation: setup ## what each part of the method is worth, at one budget (days on 2 cores)
	$(MAKE) sweep TRIALS=benchmarks/sweeps/ablation.yaml

champion: setup ## train the model that comes with the package: DATA=FOLDER
	python -m benchmarks.champion --data $(DATA)

ui: setup ## show the recorded runs at http://127.0.0.1:5000
	mlflow server --host 127.0.0.1 --port 5000 --workers 1 --backend-store-uri sqlite:///mlflow.db

retrain: setup ## train on all captures, and promote the model if it is better
	python -m pipelines.retrain

deploy: setup ## watch data/drop, ingest, retrain, promote: the loop, until interrupted
	python -m pipelines.deploy

clean: ## delete what the pipeline made; captures, caches and the environment stay
	rm -rf data/sample data/pairs data/labels data/quarantine data/manifest.parquet data/.ingest.json
	rm -rf models runs reports checkpoints
