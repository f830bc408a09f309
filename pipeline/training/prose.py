"""Whether a tuned model still answers general instructions in prose."""

from pathlib import Path

from mem0_slm import io
from pipeline.data.instructions import alpaca_prompt
from pipeline.training.loss import decode, eager, head

PROSE_CHECKS = 20


def prose_share(model, tokenizer, asked: list[str], dtype: str, collate) -> float | None:
    """How many general instructions still get an answer that does not begin as JSON, as a share; None without instructions.

    One pass each: what an extraction looks like is decided by its first token.
    """
    import torch
    from accelerate.utils import send_to_device

    from pipeline.training import encode

    prose = 0
    model.eval()
    for text in asked:
        ids = list(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
            )
        )
        batch = collate([{"input_ids": ids, "labels": [encode.IGNORED] * len(ids), "weights": [0.0] * len(ids)}])
        with torch.no_grad(), eager():
            hidden = decode(model, send_to_device(batch, model.device), dtype)
            token = head(model, hidden[0, len(ids) - 1], dtype).argmax().item()
        prose += not tokenizer.decode([token]).lstrip().startswith(("{", "["))
    return round(prose / len(asked), 4) if asked else None


def held_out_instructions(file: Path, train_file: Path) -> list[str]:
    """Up to `PROSE_CHECKS` instructions of an Alpaca-form JSONL file whose answers training has not seen."""
    seen = {e["messages"][-1]["content"] for e in io.read_jsonl(train_file) if e["kind"] == "instruction"}
    rows = [
        row
        for row in io.read_jsonl(file)
        if row["output"] not in seen and not row["output"].lstrip().startswith(("{", "["))
    ]
    return [alpaca_prompt(row) for row in rows[:PROSE_CHECKS]]
