"""Write the tuned model as GGUF for llama.cpp and Ollama, and prove what quantising cost.

Reads  models/merged, models/adapter, models/base/hf, data/validation.jsonl
Writes models/gguf (model-<type>.gguf, adapter-f16.gguf, Modelfile, model card), metrics/export_gguf.json
"""

import time

from pipeline import params, results
from pipeline.export.gguf_files import export_gguf
from pipeline.export.settings import ExportGgufSettings
from pipeline.paths import ADAPTER, BASE, GGUF, MERGED
from pipeline.registry import Registry
from stages import run_stage


def main():
    p, registry = params.load(ExportGgufSettings, "export_gguf"), params.load(Registry, None)
    started = time.perf_counter()
    results.record(
        "export_gguf", export_gguf(p, registry, BASE / "hf", ADAPTER, MERGED, GGUF), "llama-cpp-python", "gguf"
    )
    print(f"export_gguf: made and proven in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    run_stage(main)
