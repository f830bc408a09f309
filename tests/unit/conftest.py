"""Unit tests load neither torch nor a model."""

import sys

import pytest

HEAVY = ("torch", "sentence_transformers", "llama_cpp")


class Refusal:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(f"a unit test imports {name}: it belongs in tests/model")


@pytest.fixture(autouse=True)
def no_torch_and_no_model(monkeypatch):
    """Importing one of these fails while a unit test runs, also where another test has loaded it before."""
    for name in HEAVY:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Refusal, *sys.meta_path])
