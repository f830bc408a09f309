"""Benchmark the exported forms of the tuned model with the prompts and the protocol of baseline_bench.

Reads  models/gguf, models/merged, models/adapter, models/base, data/sources/instructions.jsonl (prompts)
Writes metrics/finetuned_check.json, metrics/finetuned_speed.json
"""

from mem0_slm import bench, io, params
from stages.baseline_bench import check_backend

Params = bench.Params


def main():
    from mem0_slm.memory import DEFAULT_MODEL

    io.write_json("metrics/finetuned_check.json", check_backend(DEFAULT_MODEL))
    io.write_json("metrics/finetuned_speed.json", bench.run_all(params.load(Params, "finetuned_bench")))


if __name__ == "__main__":
    params.run_stage(main)
