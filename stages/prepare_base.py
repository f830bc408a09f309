"""Resolve the base model into one Hugging Face folder and one GGUF file.

Reads  the model registry in params.yaml
Writes models/base/hf (safetensors, tokenizer, chat template), models/base/base.gguf, models/base.json (the
       model's name and its entry in the registry), metrics/base.json
"""

from mem0_slm import io
from pipeline import params, results
from pipeline.base import prepare
from pipeline.paths import ENTRY
from pipeline.registry import Registry
from stages import run_stage


def main():
    registry = params.load(Registry, None)
    facts = prepare(registry)
    io.write_json(ENTRY, {registry.model: params.read()["models"][registry.model]})
    results.record("base", facts, "transformers", "gguf")


if __name__ == "__main__":
    run_stage(main)
