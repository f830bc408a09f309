"""Benchmark the base model, and see whether it works as a Mem0 backend at all.

Reads  models/base, data/sources/instructions.jsonl and natural.jsonl (prompts)
Writes metrics/baseline_check.json, metrics/baseline_speed.json, the same and more in reports/runs
"""

from pipeline import params, results
from pipeline.evaluation import speed
from pipeline.evaluation.backend import PACKAGES, check_backend
from pipeline.evaluation.settings import BenchSettings
from pipeline.paths import BASE
from stages import run_stage


def main():
    results.record("baseline_check", check_backend(BASE / "base.gguf"), *PACKAGES)
    speed.record("baseline_speed", *speed.run_all(params.load(BenchSettings, "baseline_bench")))


if __name__ == "__main__":
    run_stage(main)
