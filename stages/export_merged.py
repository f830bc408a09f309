"""Merge the adapter into the base's weights, shard by shard, and prove that nothing changed by it; NF4 and the adapter
itself beside it.

The merged model's chat template carries Mem0's contract: stock Mem0 gets the compact prompt with nothing of ours
installed where the model is served.

All is made and proven in .scratch/export_merged, outside the stage's outputs: DVC removes outputs of a killed stage,
shards that are whole stay there, and the next run goes on at the first missing one.

Reads  models/base/hf, models/adapter, data/validation.jsonl (data/train.jsonl for its hash)
Writes models/merged (safetensors, tokenizer, chat template, model card), models/merged-nf4 (the same in bitsandbytes'
       4 bits), models/adapter-fp16 (the adapter with the tokenizer and template it needs), metrics/export_merged.json
"""

import time

from pipeline import params, results
from pipeline.export.forms import check_base, export_merged
from pipeline.export.settings import ExportMergedSettings
from pipeline.paths import ADAPTER, BASE
from pipeline.registry import Registry
from stages import run_stage


def main():
    p, registry = params.load(ExportMergedSettings, "export_merged"), params.load(Registry, None)
    base = BASE / "hf"
    check_base(ADAPTER, base)
    started = time.perf_counter()
    results.record("export_merged", export_merged(p, registry, base, ADAPTER), "torch", "transformers", "peft")
    print(f"export_merged: made and proven in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    run_stage(main)
