"""Benchmark the exported forms of the tuned model with the prompts and the protocol of baseline_bench.

Reads  models/gguf, models/merged, models/adapter, models/base,
       data/sources/instructions.jsonl and natural.jsonl (prompts)
Writes metrics/finetuned_check.json, metrics/finetuned_speed.json, the same and more in reports/runs
"""

from pipeline import params, results
from pipeline.evaluation import speed
from pipeline.evaluation.backend import PACKAGES, check_backend
from pipeline.evaluation.settings import BenchSettings
from stages import run_stage


def main():
    from mem0_slm.stores import DEFAULT_MODEL

    results.record("finetuned_check", check_backend(DEFAULT_MODEL), *PACKAGES)
    speed.record("finetuned_speed", *speed.run_all(params.load(BenchSettings, "finetuned_bench")))


if __name__ == "__main__":
    run_stage(main)
