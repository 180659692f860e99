# Landfall. `make demo` shows it, `make test` proves it; both set up what they need first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
STATE ?= .local
# Tools for what is done now and then, each in an environment of its own.
UV := uv==0.13.9
AUDIT := pip-audit==2.10.1

# Some machines have it set. Each of the hundreds of processes that the tests start would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

AZ := azure-cli==2.91.0
AZCOPY := node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64

.PHONY: help setup clients demo test quick prove check bench soak up format lock audit clean

help:
	@echo "make demo   set up, start the local cloud, score a folder of digits, show the result"
	@echo "make test   set up and run all tests"
	@echo "make quick  the fast half of the tests, in less than a minute"
	@echo "make prove  properties with many more examples, and every answer to what is not known about Azure"
	@echo "make check  format, lint, types, import contracts, architecture tests"
	@echo "make bench  the benchmarks; writes bench/results.json"
	@echo "make soak   a thousand landings with floods, kills and rubbish; takes about twenty minutes"
	@echo "make up     the local cloud in the foreground; Ctrl-C stops it"
	@echo "make setup  set up only"
	@echo "make lock   requirements*.txt from requirements*.in; wants the Python Package Index"
	@echo "make audit  known vulnerabilities of what is locked; wants the Python Package Index"
	@echo "make clients    clients that tests try where they are: delta-rs, adlfs, azcopy, az (1 GB); rclone is your system's"

setup: $(STAMPS)/python $(STAMPS)/npm

$(STAMPS)/python: requirements-dev.txt requirements-worker.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python -r requirements-worker.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/npm: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@mkdir -p $(STAMPS) && touch $@

clients: $(STAMPS)/clients

# azcopy for Linux is shipped inside a package of npm; elsewhere the tests take the one on the PATH.
$(STAMPS)/clients: requirements-clients.txt $(STAMPS)/python $(STAMPS)/npm
	$(BIN)/python -m pip freeze --exclude azure-functions-runtime > $(STAMPS)/locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(STAMPS)/locked -r requirements-clients.txt
	test "$$(uname -sm)" != "Linux x86_64" || \
		(npm install --no-save --no-fund --no-audit --loglevel=error @azure-tools/azcopy-linux@10.32.2 && chmod +x $(AZCOPY))
	test -x $(STAMPS)/az/bin/az || \
		($(PYTHON) -m venv $(STAMPS)/az && $(STAMPS)/az/bin/pip install --quiet --disable-pip-version-check $(AZ))
	@mkdir -p $(STAMPS) && touch $@

demo: setup
	$(BIN)/python -m demo

up: setup
	$(BIN)/python -m local up --state $(STATE)

# Three at a time on two cores: many tests wait for processes that they have started.
test: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

quick: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long and not thorough" \
		tests/unit tests/triggers tests/workflow tests/monitoring tests/test_architecture.py

prove: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal --timeout 900 --hypothesis-profile=prove \
		tests/workflow tests/unit/test_properties.py
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m long --ignore tests/workflow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: setup
	$(BIN)/python -m bench

soak: setup
	$(BIN)/python -m testbed.soak

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

LOCK := $(STAMPS)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

lock:
	$(PYTHON) -m venv $(STAMPS)/lock && $(STAMPS)/lock/bin/pip install --quiet $(UV)
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) requirements.in --constraint requirements-dev.txt --output-file requirements.txt

audit:
	$(PYTHON) -m venv $(STAMPS)/audit && $(STAMPS)/audit/bin/pip install --quiet $(AUDIT)
	$(STAMPS)/audit/bin/pip-audit --requirement requirements.txt --require-hashes --disable-pip --strict

clean:
	rm -rf $(VENV) node_modules $(STAMPS) .local .local-* bench/results.json demo/deployments/*/*/model
	rm -rf examples/*/data examples/*/deployments/*/*/model examples/pipeline/deployments/pumps/risk/code/weights.json
