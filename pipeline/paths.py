"""Where things lie, relative to the root of the repository."""

from pathlib import Path

SOURCES = Path("data/sources")
INSTRUCTIONS = SOURCES / "instructions.jsonl"
TRAIN, VALIDATION = Path("data/train.jsonl"), Path("data/validation.jsonl")

BASE = Path("models/base")
"""Holds hf/ (a Hugging Face folder) and base.gguf."""
ENTRY = Path("models/base.json")
"""What the registry says of the base: DVC's stages depend on this file instead of on the whole registry."""
ADAPTER = Path("models/adapter")
LORA = Path("models/adapter-fp16")
"""The adapter in 16 bits, with the tokenizer and the chat template that it needs."""
MERGED = Path("models/merged")
NF4 = Path("models/merged-nf4")
GGUF = Path("models/gguf")

METRICS = Path("metrics")
"""The few numbers that DVC's tables show."""
REPORTS = Path("reports")
RUNS = REPORTS / "runs"
"""The whole records of what was measured."""
SEARCH = Path("benchmarks/search.json")
SCRATCH = Path(".scratch")
"""What a killed stage leaves for the next run; DVC does not know it."""
