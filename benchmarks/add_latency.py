"""How long `add` takes: through memory_config() against Mem0's own prompt, same model, same machine, in one run.

    python -m benchmarks.add_latency [--model models/gguf/model-q8_0.gguf] [--adds 30] [--stock-adds 4]

Prints the figures and writes them to benchmarks/add_latency.json. The stock side is Mem0 as it is, its 34 KB prompt
unchanged, on the same GGUF through llama-cpp-python's own chat completion, with a window large enough to hold it. Its first add
computes the whole prompt; later ones find the part that does not change in llama-cpp-python's cache of the last prompt, as long as
nothing else is asked in between. Both are reported.
"other_share" is the part of an add through memory_config() in which the model does not generate: embedding, Qdrant,
history, Mem0's own work.
"""

import argparse
import statistics
import tempfile
import time

from benchmarks import record
from mem0_slm import hardware, io

STOCK_WINDOW = 12_288
"""Tokens: Mem0's prompt is about 8,500 of this model's."""


class StockLLM:
    """Mem0's prompt, unchanged, to llama-cpp-python: a Mem0 provider for this benchmark alone."""

    def __init__(self, config):
        import llama_cpp

        self.config = config
        # ChatML by name: the template inside an exported GGUF would swap the very prompt that is measured here
        self.llama = llama_cpp.Llama(
            config.model, n_ctx=STOCK_WINDOW, n_threads=hardware.threads(), chat_format="chatml", verbose=False
        )

    def generate_response(self, messages, response_format=None, **kwargs):
        answer = self.llama.create_chat_completion(
            messages, temperature=0, max_tokens=256, response_format=response_format
        )
        return answer["choices"][0]["message"]["content"]


def timed_adds(memory, items, user: str) -> list[dict]:
    from mem0_slm.memory import watch

    rows = []
    for item in items:
        with watch() as events:
            started = time.perf_counter()
            stored = memory.add(item["messages"], user_id=user)["results"]
            seconds = time.perf_counter() - started
        rows.append({"seconds": seconds, "engine_seconds": sum(e.seconds for e in events), "stored": len(stored)})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--adds", type=int, default=30)
    parser.add_argument("--stock-adds", type=int, default=4)
    arguments = parser.parse_args()

    from mem0 import Memory
    from mem0.llms.configs import LlmConfig
    from mem0.utils.factory import LlmFactory

    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close

    items = [i for i in io.read_jsonl("data/natural.jsonl") if i["query"]][: arguments.adds]
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(memory_config(arguments.model, path=f"{folder}/ours"))
        timed_adds(memory, items[:2], "warm-up")
        ours = timed_adds(memory, items, "ours")
        close(memory)
        LlmFactory.register_provider("stock_llama_cpp", "benchmarks.add_latency.StockLLM")
        config = memory_config(arguments.model, path=f"{folder}/stock")
        config.llm = LlmConfig.model_construct(provider="stock_llama_cpp", config={"model": arguments.model})
        memory = Memory(config)
        stock = timed_adds(memory, items[: arguments.stock_adds], "stock")
        close(memory)
    median = lambda rows, key="seconds": statistics.median(row[key] for row in rows)  # noqa: E731
    result = {
        "add_seconds_median": round(median(ours), 4),
        "adds": len(ours),
        "stored_something": sum(r["stored"] > 0 for r in ours),
        "engine_seconds_median": round(median(ours, "engine_seconds"), 4),
        "other_share": round(statistics.median(1 - r["engine_seconds"] / r["seconds"] for r in ours), 4),
        "stock_add_seconds": [round(r["seconds"], 2) for r in stock],
        "stock_stored_something": sum(r["stored"] > 0 for r in stock),
        "times_faster_than_stock_first": round(stock[0]["seconds"] / median(ours), 1),
        "times_faster_than_stock_later": round(median(stock[1:]) / median(ours), 1) if stock[1:] else None,
        "model": arguments.model,
    }
    record("add_latency", result, "mem0ai", "llama-cpp-python")


if __name__ == "__main__":
    main()
