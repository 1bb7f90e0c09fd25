# make demo   the main job: a simulated company, its P&L and a receipt, in under a minute
# make test   everything that must hold
# Both need only Python 3.11 or newer; all else is set up in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMP := $(VENV)/.synced
DEMO ?= demo
N ?= 10000000
LINES ?= 1000000
ROUNDS ?= 100
MESSAGES ?= 500000
SPANS ?= 400000
EVENTS ?= 500000

NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web

.PHONY: web web-check pictures demo test lint format bench-headline bench-bills thorough bench-live bench-kafka bench-otlp bench-api bench-privacy bench-viewers bench-web crash-kafka crash-serve clean help

demo: $(STAMP)  ## Simulate a company and show what it earns per order
	@$(BIN)/perunit demo --dir $(DEMO)

test: $(STAMP)  ## Run all tests
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(STAMP)  ## Style, types and the flow of rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

web: web/node_modules/.package-lock.json  ## Build the web app into src/perunit/ui
	$(NPM) run build

web-check: web/node_modules/.package-lock.json  ## The web app's types, style and tests, and that its build is the one kept
	$(NPM) run check
	$(NPM) run build
	$(NPM) run budget
	git diff --exit-code --stat -- src/perunit/ui
	@test -z "$$(git status --porcelain -- src/perunit/ui)" || { git status --short -- src/perunit/ui; exit 1; }

pictures: $(STAMP)  ## Pictures of every page, into docs/images
	$(BIN)/python -m tests.ui.pictures

format: $(STAMP)  ## Put the code in house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

thorough: $(STAMP)  ## The invariants with many more examples (an hour)
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest tests/invariants --timeout=7200

bench-headline: $(STAMP)  ## N=10000000 events against bare DuckDB, pandas, PostgreSQL and chDB
	$(UV) sync --quiet --locked --group bench
	$(BIN)/python -m bench.headline --events $(N)

bench-bills: $(STAMP)  ## LINES=1000000 bill lines imported and allocated, beside bare DuckDB and focus-converter
	$(BIN)/python -m bench.bills --lines $(LINES) --usage $(LINES)

crash-serve: $(STAMP)  ## ROUNDS=100 kills of a server under clients that send again: each event counts once
	PERUNIT_CRASH_ROUNDS=$(ROUNDS) $(BIN)/pytest -s tests/faces/test_killed_server.py --timeout=7200

bench-web: $(STAMP)  ## How fast the pages are: bytes, paint, answers to a person, shifts
	$(BIN)/python -m bench.web

bench-otlp: $(STAMP)  ## SPANS=400000 over HTTP and gRPC from a client to the last acknowledgement
	$(BIN)/python -m bench.otlp --spans $(SPANS)

bench-live: $(STAMP)  ## EVENTS=500000 that come live, through the intake and over HTTP, beside bare DuckDB
	$(BIN)/python -m bench.live --events $(EVENTS)

bench-kafka: $(STAMP)  ## MESSAGES=500000 from a broker to committed
	$(BIN)/python -m bench.kafka --messages $(MESSAGES)

bench-api: $(STAMP)  ## N=10000000 events, and how long the API takes to answer what dashboards ask
	$(BIN)/python -m bench.api --events $(N)

bench-privacy: $(STAMP)  ## N=1000000 events with pseudonyms and a scan, beside plain
	$(BIN)/python -m bench.privacy --events $(N)

bench-viewers: $(STAMP)  ## Fifty viewers of dashboards beside ingest
	$(BIN)/python -m bench.viewers

crash-kafka: $(STAMP)  ## ROUNDS=100 kills of a server that reads Kafka: every message counts once
	PERUNIT_CRASH_ROUNDS=$(ROUNDS) $(BIN)/pytest tests/live/test_kafka_crash.py

clean:  ## Remove the demo and the benchmark's working files
	rm -rf $(DEMO) bench/work

help:  ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

web/node_modules/.package-lock.json: $(STAMP) web/package-lock.json
	$(NPM) ci --no-audit --no-fund
	@touch $@

$(STAMP): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(UV) sync --quiet --locked
	@touch $(STAMP)
