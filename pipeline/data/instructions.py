"""General instructions in Alpaca's form."""

import random
from collections.abc import Callable
from pathlib import Path

from mem0_slm import contract, io
from pipeline.paths import SOURCES


def general_prompts(n: int, path="data/sources/instructions.jsonl") -> list[str]:
    """`n` different general prompts. Raises DataError when the file has fewer."""
    prompts = list(dict.fromkeys(alpaca_prompt(r) for r in io.read_jsonl(path, {"instruction": str})))
    if len(prompts) < n:
        raise io.DataError(f"params.yaml: prompts: {n} asked for, {path} has {len(prompts)}. Ask for at most that.")
    return prompts[:n]


def extraction_prompts(n: int, path="data/sources/natural.jsonl") -> list[list[dict]]:
    """`n` extraction calls: the chat messages that Mem0's prompt becomes for hand-written conversations."""
    return [
        contract.prompt_for(contract.conversation_of(row["messages"]))
        for row in io.read_jsonl(path, {"messages": list})[:n]
    ]


def alpaca_prompt(row: dict) -> str:
    """What a row of Alpaca's form asks: its instruction, and its input below where it has one."""
    return (row["instruction"] + "\n\n" + (row.get("input") or "")).strip()


def instruction_examples(source: str, n: int, repeats: Callable[[list[str]], str | None], seed: int) -> list[dict]:
    """`n` general instructions from an Alpaca-form source, none that repeats the evaluation or answers with JSON.

    repeats(texts): what of the evaluation they repeat (Reserved.repeats). Raises DataError when the source has fewer.
    """
    if n == 0:
        return []
    if source == "hub":
        from datasets import load_dataset

        name = "tatsu-lab/alpaca"
        try:
            rows = list(load_dataset(name, split="train"))
        except OSError as error:  # what huggingface_hub raises is a kind of it, offline as well
            raise io.DataError(
                f"params.yaml: generate_dataset.instructions: hub: {name} did not come ({type(error).__name__}: "
                f"{str(error)[:200]}). Connect, or use offline or the path of an Alpaca-form file."
            ) from None
    else:
        name = str(SOURCES / "instructions.jsonl") if source == "offline" else source
        rows = io.read_jsonl(name) if name.endswith(".jsonl") else io.read_json(name)
    rows = [
        row
        for row in rows
        if row.get("instruction") and row.get("output") and not row["output"].lstrip().startswith("{")
    ]
    rows = [row for row in rows if repeats([row["instruction"], row.get("input") or "", row["output"]]) is None]
    if len(rows) < n:
        raise io.DataError(
            f"params.yaml: generate_dataset.instructions_n: {n} asked for, {name} has {len(rows)} that can be used. "
            "Ask for at most that, or use another source."
        )
    examples = []
    for row in random.Random(seed).sample(rows, n):
        messages = [{"role": "user", "content": alpaca_prompt(row)}, {"role": "assistant", "content": row["output"]}]
        examples.append({"kind": "instruction", "topic": "instruction", "from": Path(name).name, "messages": messages})
    return examples
