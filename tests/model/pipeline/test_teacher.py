"""A teacher that runs in this process."""

import pytest

from mem0_slm import io
from pipeline.data import teacher


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(io.DataError) as error:
        teacher.ask_teacher("llama_cpp:nowhere.gguf", 1, ["food"], 1, lambda texts: None)
    message = str(error.value)
    assert "params.yaml: generate_dataset.teacher: 'llama_cpp:nowhere.gguf': " in message
    assert "nowhere.gguf: no such file" in message


def test_a_real_model_is_asked_through_an_engine(base_gguf):
    """A base model of 135M is no teacher: what counts is that each of its answers is kept or counted."""
    rows, counts = teacher.ask_teacher(f"llama_cpp:{base_gguf}", 4, ["food"], 1, lambda texts: None, max_tokens=64)
    assert counts["asked"] == 4 == counts["kept"] + sum(counts["rejected"].values())
    assert counts["rejected"]["engine_error"] == 0 and len(rows) == counts["kept"]
