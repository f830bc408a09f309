"""What holding answers to a JSON schema costs on llama.cpp: tokens per second with the contract's schema against free.

    python -m benchmarks.schema_overhead [--models tuned=models/gguf/model-q8_0.gguf base=models/base/base.gguf] [--prompts 20]

Each prompt is answered twice, in changing order: under the schema, and free with as many tokens (end token ignored).
Seconds are those of the whole call, the schema's compilation included; one request at a time, then eight at once.
Writes benchmarks/schema_overhead.json.
"""

import argparse
import concurrent.futures
import time

from benchmarks import record
from mem0_slm import contract, io

TARGET = 0.10
"""Largest share of tokens/s that the schema may cost."""
AT_ONCE = 8
MAX_TOKENS = 96


def measure(model: str, prompts: list[list[dict]]) -> dict:
    from mem0_slm.engines import llama_cpp

    def ask(messages, schema=None, tokens=MAX_TOKENS):
        started = time.perf_counter()
        answer = llama_cpp.generate(handle, messages, max_tokens=tokens, schema=schema, ignore_eos=schema is None)
        return len(answer.token_times), time.perf_counter() - started

    def at_once(schema, tokens) -> float:
        """Tokens per second of all prompts, `AT_ONCE` at a time."""
        started = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            written = sum(n for n, _ in pool.map(lambda prompt, n: ask(prompt, schema, n), prompts, tokens))
        return written / (time.perf_counter() - started)

    handle = llama_cpp.load(model)
    try:
        lengths = [ask(prompt, contract.SCHEMA)[0] for prompt in prompts]  # warms up as well
        spent, written = {"free": 0.0, "schema": 0.0}, {"free": 0, "schema": 0}
        for i, (prompt, n) in enumerate(zip(prompts, lengths)):
            for kind in ("free", "schema") if i % 2 else ("schema", "free"):
                tokens, seconds = ask(prompt, contract.SCHEMA) if kind == "schema" else ask(prompt, None, n)
                written[kind] += tokens
                spent[kind] += seconds
        many = {"free": at_once(None, lengths), "schema": at_once(contract.SCHEMA, [MAX_TOKENS] * len(prompts))}
    finally:
        llama_cpp.close(handle)
    one = {kind: written[kind] / spent[kind] for kind in spent}
    return {
        "model": model,
        "prompts": len(prompts),
        "tokens": written,
        "tokens_per_second": {kind: round(rate, 1) for kind, rate in one.items()},
        "cost": round(1 - one["schema"] / one["free"], 4),
        f"tokens_per_second_{AT_ONCE}_at_once": {kind: round(rate, 1) for kind, rate in many.items()},
        f"cost_{AT_ONCE}_at_once": round(1 - many["schema"] / many["free"], 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", nargs="+", default=["tuned=models/gguf/model-q8_0.gguf", "base=models/base/base.gguf"]
    )
    parser.add_argument("--prompts", type=int, default=20)
    arguments = parser.parse_args()
    items = io.read_jsonl("data/natural.jsonl", {"messages": list})[: arguments.prompts]
    prompts = [contract.prompt_for(contract.conversation_of(item["messages"])) for item in items]
    measured = {name: measure(model, prompts) for name, _, model in (pair.partition("=") for pair in arguments.models)}
    result = {
        "models": measured,
        "target_cost": TARGET,
        "tuned_within_target": measured.get("tuned", {}).get("cost", 1) <= TARGET,
    }
    record("schema_overhead", result, "llama-cpp-python", "llguidance")


if __name__ == "__main__":
    main()
