"""Many users at once: 32 AsyncMemory.add calls of 8 users together against the same calls one at a time.

    python -m benchmarks.concurrency [--model models/gguf/model-q8_0.gguf] [--repeats 2]

Real AsyncMemory, Qdrant and embedder through memory_config(), one llama.cpp model. Every conversation is one of the
hand-written natural ones; afterwards each user must hold exactly what was extracted for them. Writes
benchmarks/concurrency.json; "ratio" is adds per second together over one at a time.
"""

import argparse
import asyncio
import statistics
import tempfile
import time

from benchmarks import record
from mem0_slm import io

ADDS, USERS = 32, 8


async def add_all(memory, conversations, at_once: int) -> tuple[float, dict]:
    """Seconds for all adds, and for each user the memories that their adds extracted."""
    from mem0_slm.memory import watch

    gate, extracted = asyncio.Semaphore(at_once), {f"user{i}": set() for i in range(USERS)}

    async def add(i, messages):
        async with gate:
            with watch() as events:
                await memory.add(messages, user_id=f"user{i % USERS}")
            extracted[f"user{i % USERS}"] |= {text for event in events for text in event.memories}

    started = time.perf_counter()
    await asyncio.gather(*(add(i, messages) for i, messages in enumerate(conversations)))
    return time.perf_counter() - started, extracted


async def mixed(memory, extracted: dict) -> int:
    """How many users hold other memories than their own adds gave."""
    wrong = 0
    for user, texts in extracted.items():
        held = {m["memory"] for m in (await memory.get_all(filters={"user_id": user}, top_k=1000))["results"]}
        wrong += held != texts
    return wrong


def run(model: str, conversations, at_once: int) -> tuple[float, int, dict]:
    from mem0 import AsyncMemory

    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close

    with tempfile.TemporaryDirectory() as folder:
        memory = AsyncMemory(memory_config(model, path=folder))
        try:
            memory.embedding_model.embed("warm-up")
            seconds, extracted = asyncio.run(add_all(memory, conversations, at_once))
            return seconds, asyncio.run(mixed(memory, extracted)), dict(memory.llm.counts)
        finally:
            close(memory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    conversations = [item["messages"] for item in io.read_jsonl("data/natural.jsonl", {"messages": list})[:ADDS]]
    run(arguments.model, conversations[:2], 1)  # loads the models
    seconds, counts, users_mixed = {"together": [], "one_at_a_time": []}, {}, 0
    for _ in range(arguments.repeats):  # in turn, so that a busy machine slows both
        for kind, at_once in (("one_at_a_time", 1), ("together", ADDS)):
            spent, wrong, counts[kind] = run(arguments.model, conversations, at_once)
            seconds[kind].append(round(spent, 3))
            users_mixed += wrong
    middle = {kind: statistics.median(spent) for kind, spent in seconds.items()}
    result = {
        "adds": ADDS,
        "users": USERS,
        "seconds": seconds,
        "adds_per_second": {kind: round(ADDS / spent, 2) for kind, spent in middle.items()},
        "ratio": round(middle["one_at_a_time"] / middle["together"], 2),
        "users_with_foreign_or_lost_memories": users_mixed,
        "outcomes": counts,
        "model": arguments.model,
    }
    record("concurrency", result, "mem0ai", "llama-cpp-python", "qdrant-client")


if __name__ == "__main__":
    main()
