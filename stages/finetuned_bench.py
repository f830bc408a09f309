"""Benchmark the exported forms of the tuned model with the prompts and the protocol of baseline_bench.

Reads  models/gguf, models/merged, models/adapter, models/base, data/sources/instructions.jsonl and natural.jsonl (prompts)
Writes metrics/finetuned_check.json, metrics/finetuned_speed.json, the same and more in reports/runs
"""

from mem0_slm import bench, hardware, params
from stages.baseline_bench import check_backend

Params = bench.Params


def main():
    from mem0_slm.memory import DEFAULT_MODEL

    hardware.record("finetuned_check", check_backend(DEFAULT_MODEL), "mem0ai", "llama-cpp-python")
    bench.record("finetuned_speed", *bench.run_all(params.load(Params, "finetuned_bench")))


if __name__ == "__main__":
    params.run_stage(main)
