# Everything works on a fresh machine that has python3 (3.11 or later) and make.
# Each target installs what it needs, once, into .venv; nothing outside this folder is changed.

PYTHON ?= python3
BACKEND ?= tensorflow
OUT ?= runs/fashion_mnist_ann

# Where the four Fashion-MNIST files are in fashion-mnist/; without it the loader searches further.
ifneq ($(wildcard ../shared/data/fashion-mnist),)
TINYNET_DATA ?= $(abspath ../shared/data)
export TINYNET_DATA
endif

PY := .venv/bin/python
INSTALL := --disable-pip-version-check install $(if $(CI),--quiet --progress-bar off)
PIP := $(PY) -m pip $(INSTALL)

# NumPy's matrix products in one thread: several split sums in different ways, so the same seed
# would give another run on another machine; and on a busy one they stall, waiting for each other.
export OPENBLAS_NUM_THREADS ?= 1

# What TensorFlow prints while it loads is of no use to a reader of test results.
export TF_CPP_MIN_LOG_LEVEL ?= 3

EXTRAS_train := keras-files,plots,report
EXTRAS_tune := plots,report,search
EXTRAS_test := dask,dev,fuzz,mpi,parity,plots,report,search
EXTRAS_gallery := dev,mpi,plots,report,search
EXTRAS_parity-tensorflow := $(EXTRAS_test)
EXTRAS_parity-jax := dev,parity-jax,plots,report
EXTRAS_parity-torch := dev,parity-torch,plots,report
EXTRAS_bench := parity,parity-jax,parity-torch,plots
EXTRAS_docs := docs,search
EXTRAS_docs-browser := browser,dev
EXTRAS_lint := dist,lint,plots,search
EXTRAS_audit := audit
EXTRAS_pythons := pythons
EXTRAS_dev := audit,browser,dask,dev,dist,docs,fuzz,mpi,parity,plots,pythons,report,search
# What requirements.txt pins for a learner: all that the package itself can make use of.
EXTRAS_learner := images,keras-files,plots,report,sklearn

comma := ,

.DELETE_ON_ERROR:
.NOTPARALLEL:  # two pips in one environment would get in each other's way
.PHONY: help train retrain seeds accuracy gallery tune bench growth profile test torture files parity parity-gpu mutants mutation museum settings lint format docs docs-test docs-browser dev dist try-dist pythons oldest audit constraints clean distclean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

train: $(OUT)/results.json ## train the full Fashion-MNIST ANN; ARGS="--epochs 1", OUT=folder
	@echo "The results are in $(OUT)/. To train once more: make retrain"

retrain: ## train again, even if nothing has changed since the last run
	rm -f $(OUT)/results.json
	@$(MAKE) --no-print-directory train

seeds: .venv/.has-train ## train with the seeds 0 to 4 and print a table of the results
	@for seed in 0 1 2 3 4; do $(MAKE) --no-print-directory train \
		OUT=runs/fashion_mnist_ann/seed_$$seed ARGS="--seed $$seed" || exit 1; done
	$(PY) benchmarks/seeds.py $(foreach seed,0 1 2 3 4,runs/fashion_mnist_ann/seed_$(seed))

accuracy: .venv/.has-tune ## train every system with the seeds 0 to 2, and compare with its target; ARGS="--only R1 R2"
	$(PY) -m benchmarks.accuracy $(ARGS)

gallery: .venv/.has-gallery ## record the examples whose code has changed, for the documentation; ARGS="--only xor"
	$(PY) -m benchmarks.gallery $(ARGS)

tune: .venv/.has-tune ## search for a network with Optuna, or continue the search; ARGS="--trials 60"
	$(PY) examples/tune_ann.py $(ARGS)

# Both tinynet and the products alone run in as many threads as there are processors; the other
# benchmarks set the threads themselves.
growth: export OPENBLAS_NUM_THREADS := $(shell nproc 2>/dev/null || echo 2)

bench: .venv/.has-bench ## time tinynet, Keras, PyTorch and JAX in turn; ARGS="--rounds 3"
	$(PY) -m benchmarks.race $(ARGS)

profile: .venv/.has-bench ## what each idea gains, what others, callbacks and scripts cost, and a step's frames
	$(PY) -m benchmarks.tried
	$(PY) -m benchmarks.busy
	$(PY) -m benchmarks.moments
	$(PY) -m benchmarks.overhead
	$(PY) -m benchmarks.frames
	$(PY) -m benchmarks.scripts

museum: .venv/.has-train ## what the bugs of the museum do: the tables and figures of docs/museum.md
	$(PY) -m benchmarks.museum

growth: .venv/.has-bench ## time and memory against the size of batch, layers, network and data
	$(PY) -m benchmarks.growth $(ARGS)

# On all processors, each with a process of its own, in which everything runs in one thread.
test files parity parity-gpu settings docs-test: export TF_NUM_INTRAOP_THREADS ?= 1
test files parity parity-gpu settings docs-test: export TF_NUM_INTEROP_THREADS ?= 1

test: .venv/.has-test ## run all tests except the long ones against Keras; ARGS="-k dense"
	$(PY) -m pytest -p tests.progress -o console_output_style=classic -n auto tests parity_tests $(ARGS)

files: .venv/.has-test .venv-files/.made ## exchange model files with Keras, from an environment that has no Keras
	$(PY) -m parity_tests.exchange .venv-files/bin/python

parity: .venv/.has-parity-$(BACKEND) ## compare everything with Keras, and write a report; BACKEND=jax, BACKEND=torch
	KERAS_BACKEND=$(BACKEND) $(PY) -m pytest -p tests.progress -o console_output_style=classic \
		-n auto parity_tests -m "" \
		--report parity_tests/report$(if $(filter-out tensorflow,$(BACKEND)),_$(BACKEND)).md $(ARGS)

parity-gpu: .venv/.has-parity-$(BACKEND) ## the same with Keras on a GPU; ends with an error if none is found
	KERAS_BACKEND=$(BACKEND) $(PY) -m parity_tests.backend
	KERAS_BACKEND=$(BACKEND) $(PY) -m pytest parity_tests -m "" \
		--report parity_tests/report_gpu.md $(ARGS)

torture: .venv/.has-test ## put in faults, kill trainings, and print what was lost; ARGS="--only kills"
	$(PY) -m tests.torture $(ARGS)

mutants: .venv/.has-test ## plant bugs one at a time, and check that the comparisons with Keras catch each
	$(PY) -m parity_tests.mutants $(ARGS)

mutation: .venv/.has-test ## change one place at a time, and see whether the tests notice; ARGS="--sample 300"
	$(PY) -m tests.mutation $(ARGS)

settings: .venv/.has-test ## run the tests with the code for other processors; ARGS="--only OpenBLAS"
	$(PY) -m parity_tests.settings $(ARGS)

lint: .venv/.has-lint ## check style, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: .venv/.has-lint ## fix style and format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: .venv/.has-docs ## build the documentation; a warning is an error
	MPLBACKEND=Agg $(PY) -m sphinx -W --keep-going $(if $(CI),--quiet --no-color) -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# The pages' examples, solutions and notebooks; their exercises; the museum; the way to Keras.
docs-test: .venv/.has-test ## run what the pages say: every block, number, solution and exhibit
	$(PY) -m pytest -p tests.progress -o console_output_style=classic -n auto tests/test_docs.py \
		tests/test_notebooks.py tests/test_exercises.py tests/test_autograded.py \
		tests/test_museum.py parity_tests/test_outgrowing.py $(ARGS)

docs-browser: .venv/.has-docs-browser ## check in Chromium, as on a phone, what make docs has built
	$(PY) -m pytest docs/browser -m "" -n auto $(ARGS)

dist: .venv/.has-lint ## build the wheel and the archive of sources twice, and compare the bytes
	$(PY) -m tests.dist build

try-dist: dist ## install both in a new environment, with checksums, and try them there
	$(PY) -m tests.dist try

pythons: .venv/.has-pythons ## run tests with every Python from 3.11 to 3.14 that is here; ARGS="--only 3.13"
	$(PY) -m tests.pythons newest $(ARGS)

oldest: .venv/.has-pythons ## run tests with the oldest Python and packages that pyproject.toml allows
	$(PY) -m tests.pythons oldest $(ARGS)

audit: .venv/.has-audit ## ask whether a pinned package has a known vulnerability
	$(PY) -m tests.audit

dev: .venv/.has-dev ## install everything needed to work on tinynet
	@echo "Next: source .venv/bin/activate"

# The example writes results.json last, so the file means a finished run. The packages only have
# to be there first: a new version of a tool is no reason to train again.
$(OUT)/results.json: examples/fashion_mnist_ann.py $(shell find tinynet -name '*.py') \
		$(OUT)/.args | .venv/.has-train
	rm -f $@
	$(PY) examples/fashion_mnist_ann.py --out $(OUT) $(ARGS)

# Rewritten only if ARGS differ from those of the previous run: other options, another run.
$(OUT)/.args: FORCE
	@mkdir -p $(OUT)
	@printf '%s\n' "$$ARGS" | cmp -s - $@ || printf '%s\n' "$$ARGS" > $@

# A run on the drawn garments never counts as done: the real images may be there by now.
ifneq ($(shell grep -s drawn_apparel $(OUT)/results.json),)
$(OUT)/results.json: FORCE
endif

.venv/.has-%: pyproject.toml constraints.txt .venv/.made
	$(PIP) --constraint constraints.txt --editable '.[$(EXTRAS_$*)]'
	@touch $@

.venv/.made:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) was not found. tinynet needs Python 3.11 or later; if it has" \
		"another name: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "tinynet needs Python 3.11 or later, and $(PYTHON) is" \
		"$$($(PYTHON) --version 2>&1). If a later one is installed:" \
		"make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) comes without the venv module. On Debian and Ubuntu:" \
		"apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

# What somebody has who exchanges files with Keras, and nothing else: not even pip.
.venv-files/.made: pyproject.toml constraints.txt .venv/.made
	$(PY) -m venv --clear --without-pip .venv-files
	$(PY) -m pip --python .venv-files/bin/python $(INSTALL) --no-compile \
		--constraint constraints.txt --editable '.[keras-files]'
	@touch $@

# The newest versions that the extras allow, as a fresh environment gets them; then run make test.
constraints: ## update constraints.txt and requirements.txt
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install '.[$(EXTRAS_dev),parity-jax,parity-torch]'
	sed -n '/^#/p' constraints.txt > build/constraints.txt
	build/constraints/bin/python -m pip freeze | grep '^[^@]*==' | grep -v '^tinynet==' \
		| sed 's/+.*//' \
		>> build/constraints.txt
	mv build/constraints.txt constraints.txt
	sed -n '/^#/p' requirements.txt > build/requirements.txt
	build/constraints/bin/python -m uv pip compile --quiet --no-header --no-annotate --universal \
		--python-version 3.11 --generate-hashes --constraint constraints.txt \
		$(foreach extra,$(subst $(comma), ,$(EXTRAS_learner)),--extra $(extra)) pyproject.toml \
		>> build/requirements.txt
	mv build/requirements.txt requirements.txt
	rm -rf build/constraints

clean: ## remove built documentation and caches, keep the environments and runs
	rm -rf docs/_build docs/generated docs/api/generated docs/auto_examples
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments as well
	rm -rf .venv .venv-files
