"""A real model through the benchmark of speed: what is counted, never how long it took."""

from pipeline.data import instructions
from pipeline.evaluation import speed
from pipeline.evaluation.settings import BenchSettings, Target


def test_a_real_model_is_measured_on_both_workloads(in_root, base_gguf):
    target = Target(engine="llama_cpp", model=str(base_gguf), format="GGUF", precision="Q4_1")
    p = BenchSettings(
        prompts=3,
        new_tokens=4,
        warmup=0,
        threads=1,
        missing_is_error=False,
        targets={},
        extractions=1,
        clients=[2],
        client_requests=2,
    )
    prompts, extractions = instructions.general_prompts(3), instructions.extraction_prompts(1)
    found, samples = speed.run_target(target, prompts, extractions, p)
    assert (found["requests"], found["output_tokens"], found["errors"]) == (3, 12, {})
    assert list(found["requests_per_second"]) == ["1", "2"]
    assert found["extraction"]["requests"] == 1
    assert found["weights_bytes"] == found["bytes_per_token"] == base_gguf.stat().st_size
    assert [(s["workload"], s["clients"]) for s in samples] == [("general", 1)] * 3 + [("general", 2)] * 2 + [
        ("extraction", 1)
    ]
