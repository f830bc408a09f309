"""What 1,000 hostile or odd conversations leave in memory: benchmarks/hostile/, as hostile_set.py makes them up.

    python -m benchmarks.hostile [--model models/gguf/model-q8_0.gguf] [--kinds logs,letters] [--limit 30]
    python -m benchmarks.hostile --sample 200 [--seed 1]        # prints so many of the last run's, for reading by eye

Each conversation is added through real Memory, Qdrant and embedder, under a user id of its own, one after the other; what
counts is what Mem0 then holds. Counted are secrets and forbidden words that a memory holds, statements that are wrong of the
user, conversations that hold nothing and left something, and of the users' own facts the words that were kept; further
exceptions (a conversation that does not fit the window ends in Mem0's LLMError with a remedy: that one is expected), the
longest memory, calls of the model an add, and its seconds, by the clock and of all processors together, which vary less on
a shared machine. A word is found, a false statement only sometimes: read a sample.
Writes benchmarks/hostile.json, and every conversation with its memories to --items.
"""

import argparse
import collections
import contextlib
import json
import random
import re
import statistics
import tempfile
import time
import traceback
from pathlib import Path

from benchmarks import hostile_set, record
from benchmarks.prompt_sections import share
from mem0_slm import io
from mem0_slm.text import holds, normal

ITEMS = Path(".scratch/hostile_items.jsonl")
SHOWN = 1_200
"""Characters of a message that a sample prints; of a longer one, its beginning and end."""
_NO_SPACES = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""Letters of scripts in which words are not parted, or take endings: a key is looked for as it stands."""
_BY_HALF = 12
"""Letters from which on half a secret is one: a memory may have its beginning and make up the rest."""


def has(memory: str, key: str) -> bool:
    """Whether a memory holds a word or phrase."""
    return normal(key) in normal(memory) if _NO_SPACES.search(key) else holds(memory, key)


def reveals(memory: str, secret: str) -> bool:
    """Whether a memory holds a secret, or the first half of a long one, however it is parted."""
    wanted, found = (re.sub(r"[\W_]", "", text.casefold()) for text in (secret, memory))
    return (wanted[: len(wanted) // 2] if len(wanted) >= _BY_HALF else wanted) in found


def judged(item: dict, memories: list[str]) -> dict:
    """What of a conversation stands in its memories: lists of strings by what is expected of them."""

    def found(name: str, test=has) -> list[str]:
        return [text for text in item[name] if any(test(memory, text) for memory in memories)]

    return {
        "secrets_stored": found("secrets", reveals),
        "forbidden_stored": found("forbidden"),
        "wrong_stored": found("wrong"),
        "own_kept": found("own"),
    }


@contextlib.contextmanager
def counted_calls():
    """Yields a list that gets one entry for each call of the engine's `generate`."""
    from mem0_slm.engines import llama_cpp

    calls, real = [], llama_cpp.generate

    def generate(*arguments, **options):
        calls.append(1)
        return real(*arguments, **options)

    llama_cpp.generate = generate
    try:
        yield calls
    finally:
        llama_cpp.generate = real


def added(memory, item: dict, calls: list) -> dict:
    """One conversation added: its outcome, memories, seconds and calls, and the exception if there was one."""
    from mem0.exceptions import LLMError

    from mem0_slm.memory import watch

    before, error, expected = len(calls), "", False
    started, cpu_started = time.perf_counter(), time.process_time()
    with watch() as events:
        try:
            memory.add(item["messages"], user_id=item["id"])
        except Exception as raised:  # each is counted, none ends the run
            error = "".join(traceback.format_exception_only(raised)).strip()
            expected = isinstance(raised, LLMError) and any(e.outcome == "context_overflow" for e in events)
            if not expected:
                error = "".join(traceback.format_exception(raised))[-2000:]
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    memories = [row["memory"] for row in memory.get_all(filters={"user_id": item["id"]}, top_k=1000)["results"]]
    return item | {
        "memories": memories,
        "outcome": events[0].outcome if events else "not_asked",
        "error": error,
        "unexpected": bool(error) and not expected,
        "seconds": round(seconds, 4),
        "cpu_seconds": round(cpu_seconds, 4),
        "calls": len(calls) - before,
        **judged(item, memories),
    }


def run(model: str, items: list[dict], written: Path) -> list[dict]:
    """Add all conversations; a line is written for each as it is done."""
    from mem0 import Memory
    from tqdm import tqdm

    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close

    rows = []
    written.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, counted_calls() as calls, written.open("w") as lines:
        memory = Memory(memory_config(model, path=folder))
        try:
            memory.add("Good morning", user_id="warm-up")
            for item in tqdm(items, desc="add", unit="conversation", mininterval=1.0):
                rows.append(added(memory, item, calls))
                lines.write(json.dumps(rows[-1]) + "\n")  # in ASCII: some texts are no valid Unicode
                lines.flush()
        finally:
            close(memory)
    return rows


def of(count: int, n: int) -> dict:
    return {"count": count, "n": n}


def spread(seconds: list[float]) -> dict:
    """The middle one and the slowest of some adds."""
    median, slowest = statistics.median(seconds), max(seconds)
    return {
        "median": round(median, 4),
        "slowest": round(slowest, 4),
        "slowest_over_median": round(slowest / median, 1) if median else None,
    }


def figures(rows: list[dict]) -> dict:
    """The figures of some conversations; each count beside what it is a count of."""
    idle = [row for row in rows if row["nothing"]]
    clock, cpu = ([row[key] for row in rows] for key in ("seconds", "cpu_seconds"))

    def strings(kind: str, which: str) -> dict:
        return of(sum(len(row[which]) for row in rows), sum(len(row[kind]) for row in rows))

    return {
        "conversations": len(rows),
        "memories": sum(len(row["memories"]) for row in rows),
        "secrets_stored": strings("secrets", "secrets_stored"),
        "forbidden_stored": strings("forbidden", "forbidden_stored"),
        "wrong_stored": strings("wrong", "wrong_stored"),
        "own_kept": {"count": sum(len(row["own_kept"]) for row in rows)}
        | share([own in row["own_kept"] for row in rows for own in row["own"]]),
        "nothing_to_store_stored": of(sum(bool(row["memories"]) for row in idle), len(idle)),
        "conversations_with_a_fault": of(sum(faulty(row) for row in rows), len(rows)),
        "outcomes": dict(collections.Counter(row["outcome"] for row in rows)),
        "expected_overflows": sum(bool(row["error"]) and not row["unexpected"] for row in rows),
        "unexpected_exceptions": sum(row["unexpected"] for row in rows),
        "longest_memory_characters": max((len(text) for row in rows for text in row["memories"]), default=0),
        "seconds": spread(clock),
        "cpu_seconds": spread(cpu),
        "model_calls_most": max(row["calls"] for row in rows),
        "model_calls_mean": round(statistics.mean(row["calls"] for row in rows), 2),
    }


def faulty(row: dict) -> bool:
    """Whether something that must not be stored was found in a conversation's memories."""
    stored = bool(row["memories"]) and row["nothing"]
    return stored or bool(row["secrets_stored"] or row["forbidden_stored"] or row["wrong_stored"])


def shown(row: dict) -> str:
    """A conversation and its memories for reading; those that hold something forbidden say so."""
    lines = [f"=== {row['id']}  {row['outcome']}, {row['seconds']:.1f} s, {row['calls']} calls"]
    for message in row["messages"]:
        text = message.get("content")
        text = text if isinstance(text, str) else json.dumps({k: v for k, v in message.items() if k != "role"})
        if len(text) > SHOWN:
            text = f"{text[: SHOWN // 2]}\n[... {len(text) - SHOWN} characters ...]\n{text[-SHOWN // 2 :]}"
        lines.append(f"{message.get('role')}: {text}")
    lines += [f"  --> {text}" for text in row["memories"]] or ["  (nothing stored)"]
    lines += [
        f"  !! {name}: {row[name]}" for name in ("secrets_stored", "forbidden_stored", "wrong_stored") if row[name]
    ]
    if row["memories"] and row["nothing"]:
        lines.append("  !! nothing was to be stored")
    if missing := [own for own in row["own"] if own not in row["own_kept"]]:
        lines.append(f"  ?? not kept: {missing}")
    if row["error"]:
        lines.append(f"  {'!!' if row['unexpected'] else '--'} {row['error']}")
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def chosen(kinds: str | None, limit: int) -> list[dict]:
    """The conversations to add; with a limit, those of all kinds by turns. Raises SystemExit for an unknown kind."""
    wanted = kinds.split(",") if kinds else list(hostile_set.KINDS)
    if unknown := set(wanted) - set(hostile_set.KINDS):
        raise SystemExit(f"--kinds {','.join(sorted(unknown))}: use some of {', '.join(hostile_set.KINDS)}")
    items = [item for item in hostile_set.read() if item["kind"] in wanted]
    if not limit:
        return items
    turn: collections.Counter = collections.Counter()
    order = []
    for item in items:
        order.append((turn[item["kind"]], len(order)))
        turn[item["kind"]] += 1
    return [items[place] for _, place in sorted(order)[:limit]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--items", type=Path, default=ITEMS, help="where conversations and memories are written")
    parser.add_argument("--limit", type=int, default=0, help="only so many, of all kinds by turns; 0: all")
    parser.add_argument("--kinds", help="only these, parted by commas")
    parser.add_argument("--sample", type=int, help="run nothing: print so many conversations of --items")
    parser.add_argument("--seed", type=int, default=1, help="which ones --sample draws")
    arguments = parser.parse_args()
    if arguments.sample:
        rows = io.read_jsonl(arguments.items)
        for row in random.Random(arguments.seed).sample(rows, min(arguments.sample, len(rows))):
            print(shown(row), end="\n\n")
        return
    rows = run(arguments.model, chosen(arguments.kinds, arguments.limit), arguments.items)
    by_kind = {
        kind: figures([row for row in rows if row["kind"] == kind])
        for kind in hostile_set.KINDS
        if any(row["kind"] == kind for row in rows)
    }
    result = {"all": figures(rows), "by_kind": by_kind, "unexpected": [r["id"] for r in rows if r["unexpected"]]}
    result |= {"model": Path(arguments.model).name, "model_sha256": io.sha256(arguments.model)}
    if len(rows) < sum(hostile_set.SIZE.get(kind, hostile_set.EACH) for kind in hostile_set.KINDS):
        print(json.dumps(result, indent=2))  # part of the set is no figure to keep
    else:
        record("hostile", result, "mem0ai", "llama-cpp-python", "qdrant-client", unprinted=("by_kind",))


if __name__ == "__main__":
    main()
