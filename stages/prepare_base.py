"""Resolve the base model into one Hugging Face folder and one GGUF file.

Reads  the model registry in params.yaml
Writes models/base/hf (safetensors, tokenizer, chat template), models/base/base.gguf, metrics/base.json
"""

from pipeline import params, results
from pipeline.base import prepare
from pipeline.registry import Registry
from stages import run_stage


def main():
    registry = params.load(Registry, None)
    results.record("base", prepare(registry), "transformers", "gguf")


if __name__ == "__main__":
    run_stage(main)
