"""One message, three ways: what Mem0 stores of it with the base model and Mem0's own prompt, with the base and our
compact prompt, and with the tuned model. The README shows it.

    python -m benchmarks.before_after

Needs models/base and models/gguf (`dvc repro export_gguf`). Writes benchmarks/before_after.json. One message proves
nothing: the evaluation's tables do that; this is what it looks like.
"""

import tempfile
from pathlib import Path

from benchmarks import record
from mem0_slm.stores import close
from pipeline.paths import BASE, GGUF

SAID = (
    "We finally moved to Lisbon in May with our greyhound Bruno. "
    "I'm allergic to walnuts, so which bakeries can I trust?"
)
SIDES = {
    "Mem0's own prompt, SmolLM2-135M as it comes": (BASE / "base.gguf", {"swap": False, "constrain": "free"}),
    "our compact prompt and schema, SmolLM2-135M as it comes": (BASE / "base.gguf", {}),
    "memory_config(): the tuned model": (GGUF / "model-q8_0.gguf", {}),
}
"""By name: the model, and what differs from `memory_config`'s defaults. The first is what stock Mem0 sends and takes."""


def stored(model: Path, settings: dict) -> dict:
    """What one add of `SAID` stores, its outcome, and why nothing is stored if so."""
    from mem0 import Memory
    from mem0.exceptions import LLMError

    from mem0_slm.memory import memory_config, watch

    plain = {"gate": False} if "swap" in settings else {}
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(memory_config(model, path=folder, max_tokens=160, **settings, **plain))
        try:
            with watch() as events:
                texts = [m["memory"] for m in memory.add(SAID, user_id="ana")["results"]]
            error = ""
        except LLMError as failure:
            texts, error = [], str(failure)
        finally:
            close(memory)
    outcome = events[0].outcome
    reasons = {
        "context_overflow": "the prompt is longer than the model's context window",
        "unparsable": "no JSON",
        "truncated": "JSON that never ends",
    }
    return {
        "stored": texts,
        "outcome": outcome,
        "reason": "" if texts else reasons.get(outcome, outcome),
        "error": error,
    }


def main() -> None:
    sides = [{"name": name} | stored(model, settings) for name, (model, settings) in SIDES.items()]
    record("before_after", {"said": SAID, "sides": sides}, "mem0ai", "llama-cpp-python")


if __name__ == "__main__":
    main()
