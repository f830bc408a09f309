# Thin: no logic here. VENV, PYTHON and MAKE's usual overrides work.
VENV ?= .venv
PYTHON ?= python3
LLAMA_VERSION := $(shell sed -n 's/^llama-cpp-python==//p' requirements.txt)
LLAMA_SDIST := $(VENV)/src/sdist/llama_cpp_python-$(LLAMA_VERSION).tar.gz
LLAMA_SCRIPTS := $(VENV)/share/llama.cpp/convert_hf_to_gguf.py
# Without AMX: the compiler may drop the configuration of its tiles, and llama.cpp then dies of an illegal instruction at the
# first longer prompt (ggml-org/llama.cpp pull request 26954, open).
NO_AMX := $(shell grep -qsw amx_int8 /proc/cpuinfo && echo -mno-amx-int8)
LLAMA_FLAGS = CFLAGS="$$CFLAGS $(NO_AMX)" CXXFLAGS="$$CXXFLAGS $(NO_AMX)"
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export MEM0_TELEMETRY := False
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: setup docs repro lint test test-all search app walkthrough metrics-diff changes gate llama-bench clean

setup: $(VENV)/.installed

# The source archive of llama-cpp-python gives both: the runtime is built from it, and llama.cpp's converters lie in it.
# Without OpenMP: PyTorch brings one too, the two share it, and with more threads than processors it lets each wait in the
# kernel instead of spinning; beside an embedder llama.cpp then loses a third of its speed. Its own threads do not.
$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --upgrade "pip>=24"
	$(VENV)/bin/python -m pip install torch==$$(sed -n 's/^torch==//p' requirements.txt)
	$(VENV)/bin/python -m pip download --no-deps --no-binary :all: --dest $(dir $(LLAMA_SDIST)) llama-cpp-python==$(LLAMA_VERSION)
	mkdir -p $(VENV)/share/llama.cpp
	tar -xzf $(LLAMA_SDIST) -C $(VENV)/share/llama.cpp --strip-components=3 --wildcards \
		'*/vendor/llama.cpp/convert_hf_to_gguf.py' '*/vendor/llama.cpp/convert_lora_to_gguf.py' \
		'*/vendor/llama.cpp/conversion/*' '*/vendor/llama.cpp/gguf-py/*'
	$(LLAMA_FLAGS) CMAKE_BUILD_PARALLEL_LEVEL=$$(nproc) \
		$(VENV)/bin/python -m pip install --config-settings=cmake.args=-DGGML_OPENMP=OFF $(LLAMA_SDIST)
	$(VENV)/bin/python -m pip install -r requirements.txt -e .
	touch $@

repro: setup
	dvc repro

lint: setup
	ruff check .
	ruff format --check .
	mypy mem0_slm

# A file's tests stay on one worker: taken apart, those of the pipeline ran all of it twice.
# How long each test took stands in .scratch/tests.xml. NIGHTLY=changed adds the nightly tests whose files have changed.
NIGHTLY ?= no
test: lint
	python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
		--junitxml=.scratch/tests.xml --nightly $(NIGHTLY)

test-all: NIGHTLY = all
test-all: test

# What changed against another revision, and whether quality fell: make gate AGAINST=origin/main
AGAINST ?= HEAD
metrics-diff: setup
	dvc metrics diff --md $(AGAINST)
	dvc params diff --md $(AGAINST)

# Every figure that differs from another revision, wall-clock figures aside.
changes: setup
	python -m pipeline.report.changes --against $(AGAINST)

gate: setup
	python -m stages.gate --against $(AGAINST)

# Fills the figures of README and docs in again, from the files that runs wrote.
docs: setup
	python -m pipeline.report.figures

app: setup
	python app.py

walkthrough: setup
	python -m tools.walkthrough

# A small search as DVC experiments, each a fifth of an epoch; SEARCH holds what is tried: commas make one experiment each.
SEARCH ?= -S finetune.learning_rate=0.0008,0.0016 -S finetune.batch_size=4,8
SEARCH_EPOCHS ?= 0.2
search: setup
	dvc exp run --queue $(SEARCH) -S finetune.epochs=$(SEARCH_EPOCHS) finetune
	dvc exp run --run-all
	python -m benchmarks.search

# llama.cpp's own benchmark, of the version that runs here: a peer for `python -m benchmarks.overhead`. Some 4 minutes on 2
# cores; needs cmake on the PATH (`pip install cmake`); CMAKE_BUILD_PARALLEL_LEVEL and CMAKE_ARGS as for the runtime.
LLAMA_BENCH := $(VENV)/share/llama.cpp/llama-bench-$(LLAMA_VERSION)
LLAMA_SOURCE := $(VENV)/src/llama.cpp
llama-bench: $(LLAMA_BENCH)

$(LLAMA_BENCH): | setup
	rm -rf $(LLAMA_SOURCE) && mkdir -p $(LLAMA_SOURCE)
	tar -xzf $(LLAMA_SDIST) -C $(LLAMA_SOURCE) --strip-components=3 --wildcards '*/vendor/llama.cpp/*'
	$(LLAMA_FLAGS) \
		cmake -S $(LLAMA_SOURCE) -B $(LLAMA_SOURCE)/build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF \
		-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF $(CMAKE_ARGS)
	CMAKE_BUILD_PARALLEL_LEVEL=$${CMAKE_BUILD_PARALLEL_LEVEL:-$$(nproc)} cmake --build $(LLAMA_SOURCE)/build --target llama-bench
	mv $(LLAMA_SOURCE)/build/bin/llama-bench $@
	rm -rf $(LLAMA_SOURCE)

clean:
	rm -rf $(VENV) .scratch
