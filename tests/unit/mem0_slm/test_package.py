"""The package as its users meet it: light to import, and every place that a public name has had still gives it."""

import importlib
import importlib.resources
import subprocess
import sys

import pytest

import mem0_slm

HEAVY = ("mem0", "torch", "transformers", "numpy", "qdrant_client", "httpx", "llama_cpp", "jinja2")


@pytest.mark.parametrize(
    "module, name",
    [
        ("mem0_slm.contract", "classify"),
        ("mem0_slm.memory", "memory_config"),
        ("mem0_slm.memory", "watch"),
    ],
)
def test_old_places_of_the_public_names(module, name):
    assert getattr(importlib.import_module(module), name) is getattr(mem0_slm, name)


def test_a_name_that_nobody_has_is_an_attribute_error():
    for module in (mem0_slm, importlib.import_module("mem0_slm.contract")):
        with pytest.raises(AttributeError, match="nonsense"):
            getattr(module, "nonsense")  # noqa: B009


def test_importing_the_package_costs_nothing():
    code = f"import sys, mem0_slm; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    seconds = []
    for _ in range(3):
        code = "import time; started = time.process_time(); import mem0_slm; print(time.process_time() - started)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds.append(float(run.stdout))
    assert min(seconds) <= 0.2  # of processor time: a busy machine takes longer


def test_the_types_are_declared():
    assert (importlib.resources.files("mem0_slm") / "py.typed").is_file()
