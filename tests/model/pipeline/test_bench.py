"""A real model, and one that is not there, through the benchmark of speed: what is counted, never how long it took."""

import pytest

from mem0_slm import io
from pipeline.data import instructions
from pipeline.evaluation import speed
from pipeline.evaluation.settings import BenchSettings, Target


def target(model):
    return Target(engine="llama_cpp", model=str(model), format="GGUF", precision="Q8_0")


def small(targets, missing_is_error=False):
    return BenchSettings(
        prompts=1, new_tokens=1, warmup=0, threads=1, missing_is_error=missing_is_error, targets=targets
    )


def test_a_target_that_cannot_run_is_reported_or_an_error_by_params(in_root, monkeypatch):
    # any function of the module that a child process can find; measures nothing
    monkeypatch.setattr(speed, "memory_bandwidth", speed.parameter_bytes)
    targets = {"gone": target("/nowhere.gguf")}
    found, samples = speed.run_all(small(targets))
    assert list(found["not_run"]) == ["gone"]
    assert "/nowhere.gguf: no such file" in found["not_run"]["gone"]
    assert samples == []
    with pytest.raises(io.DataError, match="target gone: EngineError: /nowhere.gguf: no such file"):
        speed.run_all(small(targets, missing_is_error=True))


def test_a_real_model_is_measured_on_both_workloads(in_root, base_gguf):
    p = small({}).changed(prompts=3, new_tokens=4, extractions=1, clients=[2], client_requests=2)
    prompts, extractions = instructions.general_prompts(3), instructions.extraction_prompts(1)
    found, samples = speed.run_target(target(base_gguf), prompts, extractions, p)
    assert (found["requests"], found["output_tokens"], found["errors"]) == (3, 12, {})
    assert list(found["requests_per_second"]) == ["1", "2"]
    assert found["extraction"]["requests"] == 1
    assert found["weights_bytes"] == found["bytes_per_token"] == base_gguf.stat().st_size
    assert [(s["workload"], s["clients"]) for s in samples] == [("general", 1)] * 3 + [("general", 2)] * 2 + [
        ("extraction", 1)
    ]
