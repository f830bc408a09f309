"""Whether a tuned model still answers general instructions in prose."""

from pathlib import Path

from mem0_slm import io
from pipeline.data.instructions import alpaca_prompt
from pipeline.training import encode, loss

PROSE_CHECKS = 20
"""General instructions that the tuned model is asked."""
JSON_STARTS = ("{", "[")


def prose_share(model, tokenizer, prompts: list[str], dtype: str, collate) -> float | None:
    """The share of the prompts whose answer does not begin as JSON; None without prompts.

    One forward pass each: the first token decides whether an answer is an extraction. collate: batches.pack or pad.
    """
    import torch
    from accelerate.utils import send_to_device

    prose = 0
    model.eval()
    for prompt in prompts:
        ids = encode.prompt_tokens([{"role": "user", "content": prompt}], tokenizer)
        batch = collate([{"input_ids": ids, "labels": [encode.IGNORED] * len(ids), "weights": [0.0] * len(ids)}])
        with torch.no_grad(), loss.eager():
            hidden = loss.decode(model, send_to_device(batch, model.device), dtype)
            token = loss.head(model, hidden[0, len(ids) - 1], dtype).argmax().item()
        prose += not tokenizer.decode([token]).lstrip().startswith(JSON_STARTS)
    return round(prose / len(prompts), 4) if prompts else None


def held_out_instructions(file: Path, train_file: Path) -> list[str]:
    """The prompts of up to `PROSE_CHECKS` instructions of an Alpaca-form JSONL file that training has not seen."""
    seen = {e["messages"][-1]["content"] for e in io.read_jsonl(train_file) if e["kind"] == "instruction"}
    rows = [
        row
        for row in io.read_jsonl(file)
        if row["output"] not in seen and not row["output"].lstrip().startswith(JSON_STARTS)
    ]
    return [alpaca_prompt(row) for row in rows[:PROSE_CHECKS]]
