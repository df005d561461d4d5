# Two commands matter: `make run` and `make test`. Everything they need is set up in .venv and var/ on first use.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
MODELS := var/models/.ready

.PHONY: run test check fix bench bench-answers bench-attested bench-peers bench-worst suites crash fuzz fuzz-evidence soak models classifier clean detection-doc \
	golden-floors people suite
.DELETE_ON_ERROR:

run: $(MODELS)
	@$(BIN)/sealgate demo --data var
	@echo
	@echo "Start the gate:   $(BIN)/sealgate serve"

# Two processes: tests that wait for gates and clients, and beside them those that compute. The second's output comes last.
test: $(MODELS) .venv-clients/.ready
	@echo "contract and flow tests below; property and unit tests run beside them (var/tests.log)"
	@$(BIN)/pytest -q -p no:cacheprovider tests/property tests/unit >var/tests.log 2>&1 & beside=$$!; \
	$(BIN)/pytest -q tests/contract tests/flow; first=$$?; \
	wait $$beside; second=$$?; cat var/tests.log; exit $$((first || second))

check: .venv/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

fix: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(MODELS)
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.throughput

bench-worst: .venv/.ready
	$(BIN)/python -m benchmarks.worst

suites: $(MODELS)
	$(BIN)/pytest -q -rP tests/contract/test_public_suites.py tests/contract/test_chunk_invariance.py

bench-answers: $(MODELS)
	$(BIN)/python -m benchmarks.answers

# What an attested request and each verification cost.
bench-attested: .venv/.ready
	$(BIN)/python -m benchmarks.attested

# Other detectors and ours on the same labelled texts; SUITE is a folder of labelled sets.
SUITE ?= ../shared/reference/eval
bench-peers: $(MODELS) .venv-peers/.ready suite
	$(BIN)/python -m benchmarks.peers --suite var/suite

# The labelled sets, and those of tests/golden/people in their words.
suite: .venv/.ready
	@PYTHONPATH=.:tests/support $(BIN)/python -m people var/suite $(SUITE)

# Everything measured on the labelled sets, and docs/detection.md with its figures in docs/detection.json: minutes.
detection-doc: $(MODELS) suite
	$(BIN)/sealgate models evaluate --suite var/suite --jobs 2 --write docs/detection.md

# What the detectors find in tests/golden/ now becomes the floor; look at the diff.
golden-floors: $(MODELS)
	PYTHONPATH=.:tests/support $(BIN)/python -m golden

# What is missed and masked in texts written for this project without a look at its detectors.
people: $(MODELS)
	@PYTHONPATH=.:tests/support $(BIN)/python -m people var/people
	@$(BIN)/sealgate models evaluate --data var --suite var/people --part detectors --inspection both

.venv-peers/.ready: benchmarks/peers.txt
	@[ -x .venv-peers/bin/python ] || $(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

crash: $(MODELS)
	SEALGATE_CRASHES=300 $(BIN)/pytest -q tests/flow/test_crash.py

fuzz: .venv/.ready
	SEALGATE_FUZZ=20000 $(BIN)/pytest -q tests/property/test_fuzz_dialects.py tests/property/test_detectors.py

fuzz-evidence: .venv/.ready
	PYTHONPATH=.:tests/support $(BIN)/python -m fuzz_evidence --executions 10000000

soak: .venv/.ready
	SEALGATE_SOAK=20000 $(BIN)/pytest -q -s tests/flow/test_soak.py

coverage-doc: .venv/.ready
	PYTHONPATH=.:tests/support $(BIN)/python -m wire.document

models: $(MODELS)

classifier: .venv/.ready
	$(BIN)/sealgate models install --training --data var
	$(BIN)/sealgate models train --data var

# LangChain, LlamaIndex and LiteLLM for the contract tests: their own environment (650 MB), for `make test` only.
.venv-clients/.ready: tests/contract/clients/requirements.txt .venv/.ready
	@echo "LangChain, LlamaIndex and LiteLLM for the contract tests (about a minute)"
	@[ -x .venv-clients/bin/python ] || $(PYTHON) -m venv .venv-clients
	@.venv-clients/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv/.ready: pyproject.toml .ci/setup
	@PYTHON=$(PYTHON) bash .ci/setup

$(MODELS): .venv/.ready proxy/models/catalog.py proxy/models/install.py proxy/models/convert.py
	@$(BIN)/sealgate models install --data var
	@touch $@

clean:
	rm -rf .venv .venv-clients .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
