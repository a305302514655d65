# The two commands of the README are `make demo` and `make test`. Both install what they need and can be run twice.
PYTHON := .venv/bin/python

.PHONY: help bootstrap lab-packages demo test lint unit lab-tests documents schemas lock storm workers bench

help:
	@echo "make demo       start the lab and onboard the example site's new hire (root)"
	@echo "make test       every check and every test, lab tests included (root)"
	@echo "make storm      kill runs and undos hundreds of times; nothing may be lost or done twice (3 to 5 minutes)"
	@echo "make workers    kill and stop workers at random while they work; count what comes of it (root)"
	@echo "make bench      measure beside the alternatives (root; about an hour; ROWS='ports file' for some of it)"
	@echo "make lab-packages  install the Debian packages of the whole lab (root)"
	@echo "make lint       ruff, mypy --strict, import layers"
	@echo "make unit       tests that need no lab"
	@echo "make lab-tests  tests against the real servers of the lab (root)"
	@echo "make schemas    write docs/*.schema.json again"
	@echo "make documents  write the collection's plugins and their documentation again"
	@echo "make lock       resolve requirements.lock again"

bootstrap:
	@.ci/bootstrap

lab-packages:
	@.ci/bootstrap --more

demo: bootstrap
	@$(PYTHON) -m provisioning.lab.demo

test: lab-packages lint
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: bootstrap
	.venv/bin/ruff check .
	.venv/bin/ruff format --check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m provisioning.ansible_door.documents --check

unit: lab-packages
	$(PYTHON) -m pytest -m "not lab"

lab-tests: lab-packages
	$(PYTHON) -m pytest -m lab

documents: bootstrap
	$(PYTHON) -m provisioning.ansible_door.documents

schemas: bootstrap
	$(PYTHON) -m tests.unit.test_reports_schema

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --output-file requirements.lock --quiet --custom-compile-command "make lock"

workers: lab-packages
	@$(PYTHON) -m tests.many.storm

storm: bootstrap
	@$(PYTHON) -m tests.storm.storm

bench:
	@.ci/bench-bootstrap
	@$(PYTHON) -m benchmarks --repeat $(or $(REPEAT),5) $(ROWS)
