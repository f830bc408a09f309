"""Training examples as tokens, labels and loss weights."""

from pathlib import Path

from mem0_slm import contract, io

IGNORED = -100
"""Label of a token that carries no loss (PyTorch's own)."""


def encode(
    example: dict, tokenizer, max_length: int, decision_weight: float, closing_weight: float = 1.0
) -> dict | None:
    """Token ids, labels (`IGNORED` outside the answer) and loss weights of an example; None if it is too long.

    The prompt's tokens are exactly those that an engine sends for the same messages. Two tokens of an extraction's
    answer have weights of their own: the one that decides whether anything is stored, and the one that closes the last
    memory.
    """
    *asked, answered = example["messages"]
    prompt = prompt_tokens(asked, tokenizer)
    text = answered["content"]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    answer = encoded["input_ids"] + [tokenizer.eos_token_id]
    if len(prompt) + len(answer) > max_length:
        return None
    weights = [0.0] * len(prompt) + [1.0] * len(answer)
    if example["kind"] == "extraction":
        if text != contract.dump([]):
            quote = len(text) - len('"}]}')
            closing = next(i for i, (_, end) in enumerate(encoded["offset_mapping"]) if end > quote)
            weights[len(prompt) + closing] = closing_weight
        weights[len(prompt) + decision_index(tokenizer)] = decision_weight
    return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer, "weights": weights}


def encode_file(file: Path, tokenizer, p) -> tuple[list[dict], int]:
    """The encoded examples of a JSONL file, and how many are left out as longer than `p.max_length` tokens."""
    rows = io.read_jsonl(file, {"messages": list, "kind": str})
    encoded = [encode(row, tokenizer, p.max_length, p.decision_weight, p.closing_weight) for row in rows]
    return [example for example in encoded if example], encoded.count(None)


def prompt_tokens(messages: list[dict], tokenizer) -> list[int]:
    """The tokens of chat messages, up to where the answer begins."""
    return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))


def decision_index(tokenizer) -> int:
    """Which token of an answer decides whether anything is stored: the first where empty and other answers differ."""
    empty, full = (tokenizer(contract.dump(texts), add_special_tokens=False)["input_ids"] for texts in ([], ["User"]))
    return next(i for i, (a, b) in enumerate(zip(empty, full)) if a != b)
