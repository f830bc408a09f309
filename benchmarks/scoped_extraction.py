"""Whether the tuned model obeys Mem0's custom instructions, and extracts from an agent's view.

    python -m benchmarks.scoped_extraction [--model models/gguf/model-q8_0.gguf] [--items 0]

Asks the held-out conversations of scoped_conversations.jsonl through real Memory, Qdrant and embedder, each twice: as it
is meant ("asked": with its custom instructions, set in Mem0's own configuration, or for an agent, `agent_id` alone) and
plainly for a user ("plain"), the control. What counts is what Mem0 then holds. "keep" are words of the conversation that
must be stored, "drop" are words that the instructions forbid; obedience is the share of forbidden ones that the plain run
stores less the share that the asked run stores. Writes benchmarks/scoped_extraction.json, the memories included.
"""

import argparse
import collections
import contextlib
import re
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import record
from benchmarks.prompt_sections import share
from mem0_slm import io
from mem0_slm.text import holds
from pipeline.evaluation.statistics import paired

CONVERSATIONS = Path("benchmarks/scoped_conversations.jsonl")


@dataclass(frozen=True)
class Added:
    """What became of one add: the extraction's outcome and the memories that Mem0 holds of it."""

    outcome: str
    memories: list[str]
    prompt_tokens: int = 0

    def has(self, key: str) -> bool:
        return any(holds(memory, key) for memory in self.memories)


def read(path: Path = CONVERSATIONS) -> tuple[list[dict], list[dict]]:
    """(those with instructions, those for an agent)"""
    items = io.read_jsonl(path, {"id": str, "form": str, "messages": list, "keep": list, "drop": list})
    return [item for item in items if "instructions" in item], [item for item in items if "instructions" not in item]


def add(memory, messages: list[dict], **scope: str) -> Added:
    from mem0_slm.memory import watch

    with watch() as events:
        memory.add(messages, **scope)
    (event,) = events
    return Added(
        event.outcome,
        [row["memory"] for row in memory.get_all(filters=scope, top_k=100)["results"]],
        event.prompt_tokens,
    )


@contextlib.contextmanager
def opened(model: str, path: Path, instructions: str | None = None):
    from mem0 import Memory

    from mem0_slm.memory import memory_config
    from mem0_slm.stores import close

    memory = Memory(memory_config(model, path=path, custom_instructions=instructions))
    try:
        yield memory
    finally:
        close(memory)


def ask(model: str, instructed: list[dict], for_agent: list[dict]) -> dict[str, dict[str, Added]]:
    """What each conversation gave, by "asked" and "plain", then by its id.

    Instructions belong to a Memory's configuration, so each conversation with some has a Memory of its own (the language
    model is loaded once a process, the embedder once a Memory); all others share one, under an id of their own.
    """
    asked, plain = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        with opened(model, Path(folder, "plain")) as memory:
            for item in instructed + for_agent:
                plain[item["id"]] = add(memory, item["messages"], user_id=item["id"])
            for item in for_agent:
                asked[item["id"]] = add(memory, item["messages"], agent_id=item["id"])
        for item in instructed:
            with opened(model, Path(folder, item["id"]), item["instructions"]) as memory:
                asked[item["id"]] = add(memory, item["messages"], user_id=item["id"])
    return {"asked": asked, "plain": plain}


def counted(found: list[bool]) -> dict:
    return {"count": sum(found), **share(found)}


def stored(items: list[dict], added: dict[str, Added], which: str) -> dict:
    """Of the items' words to keep or to drop, those that are in a memory."""
    return counted([added[item["id"]].has(key) for item in items for key in item[which]])


def begins_with_agent(text: str) -> bool:
    return re.match(r"(the )?agent\b", text, re.IGNORECASE) is not None


def figures(items: list[dict], given: dict[str, dict[str, Added]]) -> dict:
    """What holds for both kinds, by side; "n" of words counts words."""
    return {
        "n": len(items),
        # more for "asked" than for "plain" shows that the instructions, the agent's scope, reached the model
        "prompt_tokens_mean": {
            side: round(statistics.mean(added[item["id"]].prompt_tokens for item in items), 1)
            for side, added in given.items()
        },
        "keys_kept": {side: stored(items, added, "keep") for side, added in given.items()},
        "nothing_to_store_stored": {
            side: counted([bool(added[item["id"]].memories) for item in items if not item["keep"]])
            for side, added in given.items()
        },
        "outcomes": {
            side: dict(collections.Counter(added[item["id"]].outcome for item in items))
            for side, added in given.items()
        },
        "keys_kept_by_form": {
            form: {
                side: stored([item for item in items if item["form"] == form], added, "keep")
                for side, added in given.items()
            }
            for form in dict.fromkeys(item["form"] for item in items)
        },
    }


def obedience(items: list[dict], given: dict[str, dict[str, Added]]) -> dict:
    """What the instructions change; "clean" conversations are those of which nothing forbidden is stored."""
    forbidding = [item for item in items if item["drop"]]

    def by_side(chosen: list[dict]) -> dict:
        return {side: stored(chosen, added, "drop") for side, added in given.items()}

    clean = {
        side: [not any(added[item["id"]].has(key) for key in item["drop"]) for item in forbidding]
        for side, added in given.items()
    }
    found = by_side(forbidding)
    return {
        "forbidden_stored": found,
        "obedience": round(found["plain"]["share"] - found["asked"]["share"], 4) if forbidding else None,
        "forbidden_stored_by_form": {
            form: by_side([i for i in forbidding if i["form"] == form])
            for form in dict.fromkeys(i["form"] for i in forbidding)
        },
        "clean_conversations": {side: counted(found) for side, found in clean.items()}
        | {"asked_against_plain": paired(clean["asked"], clean["plain"])},
        "clean_with_all_kept": {
            side: counted(
                [
                    ok and all(added[item["id"]].has(key) for key in item["keep"])
                    for ok, item in zip(clean[side], forbidding)
                ]
            )
            for side, added in given.items()
        },
    }


def agent_view(items: list[dict], given: dict[str, dict[str, Added]]) -> dict:
    """How the memories are worded. A memory holds several facts, parted by semicolons; each should speak of the agent."""
    texts = {side: [text for item in items for text in added[item["id"]].memories] for side, added in given.items()}
    return {
        "memories_that_begin_with_agent": {
            side: counted([begins_with_agent(text) for text in found]) for side, found in texts.items()
        },
        "facts_that_begin_with_agent": {
            side: counted([begins_with_agent(fact) for text in found for fact in text.split("; ")])
            for side, found in texts.items()
        },
        "memories_that_speak_of_the_agent": {
            side: counted([holds(text, "agent") for text in found]) for side, found in texts.items()
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--items", type=int, default=0, help="ask the first so many of each kind; 0: all")
    arguments = parser.parse_args()
    instructed, for_agent = (items[: arguments.items or None] for items in read())
    given = ask(arguments.model, instructed, for_agent)
    result = {
        "instructions": figures(instructed, given) | obedience(instructed, given),
        "agent": figures(for_agent, given) | agent_view(for_agent, given),
        "memories": {
            item["id"]: {side: added[item["id"]].memories for side, added in given.items()}
            for item in instructed + for_agent
        },
        "model": Path(arguments.model).name,
        "model_sha256": io.sha256(arguments.model),
    }
    record("scoped_extraction", result, "mem0ai", "llama-cpp-python", "qdrant-client", unprinted=("memories",))


if __name__ == "__main__":
    main()
